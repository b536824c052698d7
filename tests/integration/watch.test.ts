import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { insertEvents } from '#lib/db/events.ts'
import { insertRejections } from '#lib/db/rejections.ts'
import { readWatch } from '#lib/db/watch.ts'
import { newId } from '#lib/id.ts'
import type { Routes } from '#lib/rules.ts'
import { watch } from '#lib/watch.ts'
import {
  fetchDouble,
  ok,
  passTime,
  queueChanges,
  simulatedLoop,
  simulateTime,
  slackTargets,
  slackUrl,
  sleep,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const minute = 60_000
const hour = 60 * minute

describe.each(engines)('watching on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore

  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })

  const routes: Routes = { targets: slackTargets('slack', 'alerts'), rules: [], alertTargets: ['alerts'] }
  const titles = async () =>
    (await store.db.selectFrom('changes').select(['kind', 'title']).orderBy('id').execute()).flatMap(
      ({ kind, title }) => (kind.startsWith('trouble') ? [title] : []),
    )
  /** Which target was told of how many of the relay's own changes. */
  const told = async () => {
    const rows = await store.db
      .selectFrom('deliveries as d')
      .innerJoin('changes as c', 'c.id', 'd.change_id')
      .select(['d.target', 'd.status', 'c.kind'])
      .where('c.kind', 'in', ['trouble', 'trouble-over'])
      .orderBy('d.id')
      .execute()
    return rows.map(({ target, status: how, kind }) => `${kind} to ${target}: ${how}`)
  }

  async function signedEvent() {
    const now = Date.now()
    const id = newId('evt', now)
    await insertEvents(store.db, [
      {
        id,
        source: 'langfuse-webhook',
        dedupe_key: id,
        twin_key: null,
        change_id: 'chg_none',
        type: 'prompt-version',
        action: 'created',
        project_id: 'p1',
        subject: 'a prompt',
        version: 1,
        occurred_at: now,
        received_at: now,
        headers: '{}',
        signature: 'v1',
        secret_hint: 'c0de',
        size: 2,
        body: Buffer.from('{}'),
      },
    ])
  }
  async function wrongSignature(door = 'langfuse-webhook') {
    const at = Date.now()
    const rest = { method: 'POST', address: null, user_agent: null, size: 0, head: new Uint8Array() }
    const reason = 'signature-mismatch'
    const row = {
      id: newId('rej', at),
      at,
      door,
      status_code: 401,
      reason,
      message: 'No secret fits',
      ...rest,
    }
    await insertRejections(store.db, [row])
  }

  /** Langfuse, where a prompt was changed at that time. */
  const langfuse = (changedAt: number | null) => {
    const asked: URL[] = []
    const fetch: typeof globalThis.fetch = async (input) => {
      const url = new URL(String(input))
      asked.push(url)
      const from = Date.parse(url.searchParams.get('fromUpdatedAt') ?? '')
      const to = Date.parse(url.searchParams.get('toUpdatedAt') ?? '')
      const isWithin = changedAt !== null && changedAt >= from && changedAt <= to
      return Response.json({ data: isWithin ? [{ lastUpdatedAt: new Date(changedAt).toISOString() }] : [] })
    }
    return { asked, api: { baseUrl: 'https://langfuse.test', publicKey: 'pk', secretKey: 'sk', fetch } }
  }

  const look = (api?: ReturnType<typeof langfuse>['api']) =>
    watch({
      db: watched.db,
      now: Date.now,
      api,
      quietMs: 24 * hour,
      targets: ['slack', 'alerts'],
      onTrouble: () => {},
    })
  const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

  it('tells once that Langfuse is silent although prompts changed, and once that it speaks again', async () => {
    await signedEvent()
    await look()
    later(20 * hour)
    const { asked, api } = langfuse(Date.now())
    await look(api)
    expect(asked).toEqual([])
    later(5 * hour)
    await look(api)
    later(2 * hour)
    await look(api)
    expect(asked.map((url) => url.pathname)).toEqual(['/api/public/v2/prompts'])
    expect(await titles()).toEqual(['No signed event comes, although prompts changed in Langfuse'])
    expect((await readWatch(store.db)).troubles).toHaveLength(1)
    await signedEvent()
    later(minute)
    await look(api)
    expect((await titles())[1]).toBe('Signed events come again, after 7 h')
    expect((await readWatch(store.db)).troubles).toEqual([])
  })

  it('says nothing where no prompt changed either, or where Langfuse cannot be asked', async () => {
    await signedEvent()
    await look()
    later(30 * hour)
    await look(langfuse(null).api)
    later(2 * hour)
    const fetch = async () => {
      throw new TypeError('fetch failed')
    }
    await look({ ...langfuse(null).api, fetch })
    expect(await titles()).toEqual([])
  })

  it('tells of a burst of unknown signatures after good ones, not of tests of the relay itself', async () => {
    await signedEvent()
    later(minute)
    for (let i = 0; i < 8; i++) await wrongSignature('test')
    await look()
    expect(await titles()).toEqual([])
    for (let i = 0; i < 5; i++) await wrongSignature()
    later(minute)
    await look()
    expect(await titles()).toEqual(['Requests are signed with a secret that is not known here'])
    later(3 * hour)
    await look()
    await signedEvent()
    later(minute)
    await look()
    expect((await titles())[1]).toBe('A signature was right again, after 3 h')
  })

  it('looks once in a minute, however many instances ask', async () => {
    await signedEvent()
    later(1)
    for (let i = 0; i < 5; i++) await wrongSignature()
    await Promise.all([look(), look(), look()])
    expect(await titles()).toHaveLength(1)
    const before = await readWatch(store.db)
    later(minute - 1)
    await look()
    expect(await readWatch(store.db)).toEqual(before)
  })

  it('tells the alert target of a target that keeps failing, and of its return; never the target itself', async () => {
    let isDown = true
    const { fetch } = fetchDouble(({ url }) => (url === slackUrl('slack') && isDown ? status(500) : ok()))
    await queueChanges(store.db, 20, ['slack'])
    const loop = simulatedLoop(watched, { fetch, routes, watch: { quietMs: 0 } })
    const run = async () => {
      await loop.start()
      await sleep(30 * minute)
      isDown = false
      await sleep(30 * minute)
      await loop.stop()
    }
    await passTime(run(), [watched])
    expect(loop.errors).toEqual([])
    expect(await told()).toEqual(['trouble to alerts: delivered', 'trouble-over to alerts: delivered'])
    expect(await titles()).toEqual([
      'slack keeps failing',
      expect.stringMatching(/^slack takes messages again, after \d+ min$/),
    ])
  })

  it('shows troubles of the alert target too, and tells nobody', async () => {
    const { fetch } = fetchDouble(({ url }) => (url === slackUrl('alerts') ? status(500) : ok()))
    await queueChanges(store.db, 20, ['alerts'])
    const loop = simulatedLoop(watched, { fetch, routes, watch: { quietMs: 0 } })
    const run = async () => {
      await loop.start()
      await sleep(30 * minute)
      await loop.stop()
    }
    await passTime(run(), [watched])
    expect(await titles()).toEqual(['alerts keeps failing'])
    expect(await told()).toEqual([])
  })

  it('notifies PagerDuty while Slack is down, and resolves its incident', async () => {
    let isDown = true
    const bodies: { event_action: string; dedup_key: string }[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (String(input) === slackUrl('slack')) return isDown ? status(500) : ok()
      bodies.push(JSON.parse(String(init?.body)))
      return Response.json({ status: 'success' }, { status: 202 })
    }
    const pagerduty = {
      type: 'pagerduty' as const,
      routingKey: 'r'.repeat(32),
      eventsUrl: 'https://events.pagerduty.test',
    }
    await queueChanges(store.db, 20, ['slack'])
    const both = {
      targets: { ...slackTargets('slack'), pagerduty },
      rules: [],
      alertTargets: ['slack', 'pagerduty'],
    }
    const loop = simulatedLoop(watched, { fetch, routes: both, watch: { quietMs: 0 } })
    const run = async () => {
      await loop.start()
      await sleep(30 * minute)
      isDown = false
      await sleep(30 * minute)
      await loop.stop()
    }
    await passTime(run(), [watched])
    expect(bodies.map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve'])
    expect(new Set(bodies.map(({ dedup_key }) => dedup_key)).size).toBe(1)
  })

  it('runs dry without a request, marks its deliveries, and sends them when they are replayed live', async () => {
    const dry = fetchDouble(() => ok())
    const [first] = await queueChanges(store.db, 1, ['slack'])
    const loop = simulatedLoop(watched, { fetch: dry.fetch, routes, isDry: true })
    await passTime(loop.drain(Date.now() + minute), [watched])
    expect(dry.calls).toEqual([])
    const [row] = await store.db.selectFrom('deliveries').selectAll().execute()
    expect(row).toMatchObject({ status: 'dry-run', next_at: null, reason: 'Dry run: nothing was sent' })
    const [attempt] = await store.db.selectFrom('attempts').selectAll().execute()
    expect(attempt).toMatchObject({ outcome: 'dry-run', status_code: null, response: null })
    expect(attempt?.request).toContain(first?.change_id)
    const { replayDelivery } = await import('#lib/replay.ts')
    expect(await replayDelivery(watched.db, row?.id ?? '', Date.now())).toEqual({ ok: true })
    const live = fetchDouble(() => ok())
    const other = simulatedLoop(watched, { fetch: live.fetch, routes })
    await passTime(other.drain(Date.now() + minute), [watched])
    expect(live.calls).toHaveLength(1)
    expect((await store.db.selectFrom('deliveries').select('status').execute())[0]?.status).toBe('delivered')
  })
})
