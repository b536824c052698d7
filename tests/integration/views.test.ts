import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyFilter } from '#lib/core/list/filter.ts'
import { listFiltered } from '#lib/store/search/list.ts'
import { openCircuits } from '#lib/store/tables/targets.ts'
import { attemptsOf, eventsWithHeads } from '#lib/store/views/change-page.ts'
import { deliveriesOf } from '#lib/store/views/listed-changes.ts'
import { countRows, listEvents, listRejections } from '#lib/store/views/paged-lists.ts'
import { type Seed, seedStore } from '../e2e/seed.ts'
import { engines, type TestStore } from './stores.ts'

const now = Date.UTC(2026, 7, 21, 9)
const everything = { filter: emptyFilter, now }

const tagged = (ago: number, subject = `prompt ${ago}`): Seed => ({
  ago,
  kind: 'tags-changed',
  subject,
  title: `Someone tagged ${subject}`,
})

describe.each(engines)('what the pages read on %s', (_engine, open) => {
  let store: TestStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  const subjects = (page: { rows: { change: { subject: string } }[] }) =>
    page.rows.map(({ change }) => change.subject)

  it('pages through the changes, newest first, and back', async () => {
    await seedStore(
      store.url,
      [1, 2, 3, 4, 5].map((ago) => tagged(ago)),
      now,
    )
    const first = await listFiltered(store.db, everything, {}, 2)
    expect(subjects(first)).toEqual(['prompt 1', 'prompt 2'])
    expect(first.newer).toBeNull()
    const second = await listFiltered(store.db, everything, { before: first.older ?? '' }, 2)
    expect(subjects(second)).toEqual(['prompt 3', 'prompt 4'])
    const last = await listFiltered(store.db, everything, { before: second.older ?? '' }, 2)
    expect(subjects(last)).toEqual(['prompt 5'])
    expect(last.older).toBeNull()
    const back = await listFiltered(store.db, everything, { after: last.newer ?? '' }, 2)
    expect(subjects(back)).toEqual(['prompt 3', 'prompt 4'])
    const top = await listFiltered(store.db, everything, { after: back.newer ?? '' }, 2)
    expect(subjects(top)).toEqual(['prompt 1', 'prompt 2'])
    expect(top.newer).toBeNull()
  })

  it('shows only the changes of one prompt', async () => {
    await seedStore(store.url, [tagged(1, 'a'), tagged(2, 'b'), tagged(3, 'a')], now)
    expect(
      subjects(
        await listFiltered(store.db, { ...everything, filter: { ...emptyFilter, prompt: 'a' } }, {}, 10),
      ),
    ).toEqual(['a', 'a'])
  })

  it('gives each change its deliveries with the result of the newest attempt', async () => {
    const attempt = { reason: null, request: 'sent', response: 'got' }
    const [seeded] = await seedStore(
      store.url,
      [
        {
          ...tagged(1),
          deliveries: [
            { target: 'slack', status: 'queued' },
            {
              target: 'github',
              status: 'delivered',
              attempts: [
                { ...attempt, outcome: 'retry', status_code: 502, duration_ms: 900 },
                { ...attempt, outcome: 'delivered', status_code: 204, duration_ms: 120 },
              ],
            },
          ],
        },
      ],
      now,
    )
    const id = seeded?.changeId ?? ''
    const found = (await deliveriesOf(store.db, [id])).get(id) ?? []
    expect(
      found.map(({ target, status, duration_ms, status_code }) => [target, status, duration_ms, status_code]),
    ).toEqual([
      ['github', 'delivered', 120, 204],
      ['slack', 'queued', null, null],
    ])
    const attempts = (await attemptsOf(store.db, seeded?.deliveryIds ?? [])).get(seeded?.deliveryIds[1] ?? '')
    expect(attempts?.map(({ number, status_code }) => [number, status_code])).toEqual([
      [2, 204],
      [1, 502],
    ])
  })

  it('reads only the beginning of a large body, and all of a small one', async () => {
    const [seeded] = await seedStore(
      store.url,
      [{ ...tagged(1), events: ['03-prompt-created-200kb.json', '01-prompt-created-text.json'] }],
      now,
    )
    const [large, small] = await eventsWithHeads(store.db, seeded?.changeId ?? '', 10, 4096)
    expect(large?.size).toBeGreaterThan(200_000)
    expect(large?.head.byteLength).toBe(4096)
    expect(small?.head.byteLength).toBe(small?.size)
    expect(
      Buffer.from(large?.head ?? [])
        .toString()
        .slice(0, 6),
    ).toBe('{"id":')
  })

  it('shows only the events of one change', async () => {
    const [one] = await seedStore(
      store.url,
      [
        { ...tagged(1), events: ['01-prompt-created-text.json'] },
        { ...tagged(2), events: ['01-prompt-created-text.json', '06-prompt-deleted.json'] },
      ],
      now,
    )
    expect((await listEvents(store.db, {}, {}, 10)).rows).toHaveLength(3)
    const ofOne = await listEvents(store.db, { change: one?.changeId }, {}, 10)
    expect(ofOne.rows.map(({ id }) => id)).toEqual(one?.eventIds)
  })

  it('counts up to a limit', async () => {
    expect(await countRows(store.db, 3)).toEqual({ changes: 0, events: 0, rejections: 0 })
    await seedStore(
      store.url,
      [1, 2, 3, 4, 5].map((ago) => tagged(ago)),
      now,
    )
    expect(await countRows(store.db, 3)).toEqual({ changes: 3, events: 0, rejections: 0 })
  })

  it('lists rejections and open circuits', async () => {
    const rejection = {
      door: 'd',
      status_code: 401,
      reason: 'r',
      message: 'm',
      method: 'POST',
      address: null,
    }
    const rest = { user_agent: null, size: 1, head: Buffer.from('x') }
    await store.db
      .insertInto('rejections')
      .values([1, 2].map((n) => ({ id: `rej_${n}`, at: n, ...rejection, ...rest })))
      .execute()
    expect((await listRejections(store.db, {}, 10)).rows.map(({ id }) => id)).toEqual(['rej_2', 'rej_1'])
    const target = { failures: 5, opened: 1, next_slot_at: 0, announced_at: null }
    await store.db
      .insertInto('targets')
      .values([
        { name: 'github', open_until: now + 1, ...target },
        { name: 'slack', open_until: now, ...target },
      ])
      .execute()
    expect([...(await openCircuits(store.db, now)).keys()]).toEqual(['github'])
  })
})
