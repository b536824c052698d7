import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { receiver } from '#lib/pipeline/receive.ts'
import { eventsOfChange } from '#lib/store/tables/events.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { alertEvent, arrival, promptEvent } from './arrivals.ts'
import { engines, type TestStore } from './stores.ts'

describe.each(engines)('receiving on %s', (_, openStore) => {
  let store: TestStore
  let time = 10_000
  const open = () => receiver(store.db, { settleMs: 2000, now: () => time })
  const changes = () => store.db.selectFrom('changes').selectAll().orderBy('id').execute()

  beforeEach(async () => {
    time = 10_000
    store = await openStore()
  })
  afterEach(() => store.close())

  it('stores the body exactly as it arrived, including NUL, lone surrogates and broken UTF-8', async () => {
    const bytes = Uint8Array.from([0x7b, 0x00, 0xff, 0xed, 0xa0, 0x80, 0x7d])
    await open()(arrival({ body: bytes, subject: 'a\u0000b\ud800' }))
    const [change] = await changes()
    const [event] = await eventsOfChange(store.db, change?.id ?? '')
    expect(Buffer.from(event?.body ?? [])).toEqual(Buffer.from(bytes))
  })

  it('accepts a new event and recognises a repeat, even in one batch or at the same time', async () => {
    const receive = open()
    const answers = await Promise.all([
      receive(arrival()),
      receive(arrival()),
      receive(arrival({ dedupeKey: 'b' })),
    ])
    const again = await receive(arrival())
    expect([...answers, again].map(({ status }) => status)).toEqual([
      'accepted',
      'duplicate',
      'accepted',
      'duplicate',
    ])
    expect(again.eventId).toBe(answers[0]?.eventId)
    expect(answers[1]?.eventId).toBe(answers[0]?.eventId)
    expect(await store.db.selectFrom('events').select('id').execute()).toHaveLength(2)
  })

  it('puts events of one prompt that arrive together into one open change', async () => {
    const receive = open()
    await receive(arrival())
    time += 500
    await receive(arrival({ dedupeKey: 'b', event: promptEvent(6) }))
    await receive(arrival({ dedupeKey: 'c', subject: 'other' }))
    await receive(arrival({ dedupeKey: 'd', projectId: 'p2' }))
    const rows = await changes()
    expect(rows.map((row) => [row.subject, row.project_id, row.event_count, row.due_at])).toEqual([
      ['support/refund-reply', 'p1', 2, 12_500],
      ['other', 'p1', 1, 12_500],
      ['support/refund-reply', 'p2', 1, 12_500],
    ])
  })

  it('keeps a change open for at most 10 s, however many events keep arriving', async () => {
    const receive = open()
    for (let i = 0; i < 11; i++) {
      await receive(arrival({ dedupeKey: `e${i}` }))
      time += 1000
    }
    expect((await changes()).map((row) => row.due_at)).toEqual([20_000])
  })

  it('opens another change for events that arrive after the first was due, and settles it after that one', async () => {
    const receive = open()
    await receive(arrival())
    time += 2001
    await receive(arrival({ dedupeKey: 'late', event: promptEvent(6) }))
    await receive(arrival({ dedupeKey: 'later' }))
    const [first, second, ...others] = await changes()
    expect(others).toEqual([])
    expect([first?.open_key, first?.event_count, second?.event_count]).toEqual([null, 1, 2])
    expect(JSON.parse(second?.detail ?? '{}')).toMatchObject({ behind: first?.id })
    const late = store.db
      .selectFrom('events')
      .select('dedupe_key')
      .where('change_id', '=', second?.id ?? '')
    expect(await late.orderBy('id').execute()).toEqual([{ dedupe_key: 'late' }, { dedupe_key: 'later' }])
  })

  it('treats an alert that two automations send, together or in turn, as one', async () => {
    const receive = open()
    const alert = (dedupeKey: string, twinKey: string) =>
      receive(arrival({ dedupeKey, twinKey, event: alertEvent }))
    await Promise.all([alert('a', 't'), alert('b', 't'), alert('c', 'other')])
    await alert('d', 't')
    const [first, second, ...others] = await changes()
    expect(others).toEqual([])
    const sizes = [first, second].map(async (one) => (await eventsOfChange(store.db, one?.id ?? '')).length)
    expect(await Promise.all(sizes)).toEqual([3, 1])
  })

  it('gives each event that is not about a prompt a separate change, due at once', async () => {
    const receive = open()
    await Promise.all(['a', 'b'].map((key) => receive(arrival({ dedupeKey: key, event: alertEvent }))))
    expect((await changes()).map((row) => [row.open_key, row.due_at])).toEqual([
      [null, 10_000],
      [null, 10_000],
    ])
  })

  it('adds an edit that a second automation sends to the change that already reports it', async () => {
    const receive = open()
    await receive(arrival({ twinKey: 't' }))
    await store.db.updateTable('changes').set({ open_key: null, status: 'settled', next_at: null }).execute()
    expect((await receive(arrival({ dedupeKey: 'b', twinKey: 't' }))).status).toBe('accepted')
    const [change, ...others] = await changes()
    expect(others).toEqual([])
    expect(await eventsOfChange(store.db, change?.id ?? '')).toHaveLength(2)
  })

  it('stores many simultaneous events of a few prompts exactly once, across several instances', async () => {
    const instances = [open(), open(), open()]
    const sent = Array.from({ length: 300 }, (_, i) =>
      arrival({ dedupeKey: `k${i % 150}`, subject: `prompt-${i % 7}` }),
    )
    const answers = await Promise.all(sent.map((one, i) => instances[i % 3]?.(one)))
    expect(answers.filter((answer) => answer?.status === 'accepted')).toHaveLength(150)
    const events = await store.db.selectFrom('events').select(['id', 'change_id']).execute()
    expect(events).toHaveLength(150)
    const known = new Set((await changes()).map(({ id }) => id))
    expect(events.filter((event) => !known.has(event.change_id))).toEqual([])
  })

  it('refuses only the bad event of a batch', async () => {
    const receive = open()
    const bad = arrival({ dedupeKey: 'bad', headers: undefined as unknown as string })
    const answers = await Promise.allSettled([
      receive(arrival()),
      receive(bad),
      receive(arrival({ dedupeKey: 'c' })),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('keeps the newest rejections and deletes the oldest', async () => {
    const rejection = (n: number) => ({
      id: `rej_${String(n).padStart(3, '0')}`,
      at: n,
      door: 'langfuse-webhook',
      status_code: 401,
      reason: 'signature-mismatch',
      message: 'No',
      method: 'POST',
      address: null,
      user_agent: null,
      size: 0,
      head: new Uint8Array(),
    })
    for (let n = 0; n < 10; n++) await insertRejections(store.db, [rejection(n)], 4)
    const kept = await store.db.selectFrom('rejections').select('at').orderBy('id').execute()
    expect(kept.map(({ at }) => at)).toEqual([6, 7, 8, 9])
  })
})
