import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { newId } from '#lib/base/id.ts'
import { metricsText } from '#lib/base/metrics.ts'
import { createDirectory, type ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { storeFamilies } from '#lib/pipeline/exported-metrics.ts'
import { watch } from '#lib/pipeline/watch.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { insertEvents } from '#lib/store/tables/events.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { readWatch } from '#lib/store/tables/watch.ts'
import { readHealth, readWaiting } from '#lib/store/views/health.ts'
import { healthItems } from '../../app/(dashboard)/_list/health-words.ts'
import { langfuseProject } from '../projects.ts'
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

describe.each(engines)('the watch on %s', (_, openStore) => {
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
  /** How many of the relay's own changes each target got. */
  const notified = async () => {
    const rows = await store.db
      .selectFrom('deliveries as d')
      .innerJoin('changes as c', 'c.id', 'd.change_id')
      .select(['d.target', 'd.status', 'c.kind'])
      .where('c.kind', 'in', ['trouble', 'trouble-over'])
      .orderBy('d.id')
      .execute()
    return rows.map(({ target, status: how, kind }) => `${kind} to ${target}: ${how}`)
  }

  async function signedEvent(projectId = 'p1') {
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
        project_id: projectId,
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
  const bodyOf = (projectId: string, id = 'evt-1') => {
    const data = { promptName: 'a prompt', version: 1, projectId, labels: [] }
    return Buffer.from(
      JSON.stringify({ id, event: 'prompt.created', timestamp: '2026-08-21T09:00:00Z', data }),
    )
  }
  async function wrongSignature({ door = 'langfuse-webhook', head = bodyOf('p1') } = {}) {
    const at = Date.now()
    const rest = { method: 'POST', address: null, user_agent: null, size: head.byteLength, head }
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

  /** Langfuse, in which a prompt changed at this time. */
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

  const look = (api?: ReturnType<typeof langfuse>['api'], directory?: ProjectDirectory) =>
    watch({
      db: watched.db,
      now: Date.now,
      apis: api ? [api] : [],
      directory,
      quietMs: 24 * hour,
      targets: ['slack', 'alerts'],
      onTrouble: () => {},
    })
  const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

  it('reports once that no events arrive although prompts changed, and once that they arrive again', async () => {
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
    expect(await titles()).toEqual(['No signed events arrive, although prompts changed in Langfuse'])
    expect((await readWatch(store.db)).troubles).toHaveLength(1)
    await signedEvent()
    later(minute)
    await look(api)
    expect((await titles())[1]).toBe('Signed events arrive again, after 7 h 1 min')
    expect((await readWatch(store.db)).troubles).toEqual([])
  })

  it('reports nothing if no prompt changed either, or if Langfuse cannot be asked', async () => {
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

  it("reports a request with an unknown signature after valid ones, but not the relay's own tests", async () => {
    await signedEvent()
    later(minute)
    for (let i = 0; i < 8; i++) await wrongSignature({ door: 'test' })
    await look()
    expect(await titles()).toEqual([])
    for (let i = 0; i < 5; i++) await wrongSignature()
    later(minute)
    await look()
    expect(await titles()).toEqual(["Requests that look like Langfuse's are signed with an unknown secret"])
    later(3 * hour)
    await look()
    await signedEvent()
    later(minute)
    await look()
    expect((await titles())[1]).toBe('Signatures are valid again, after 3 h 2 min')
  })

  it.each([
    ['of a project that it does not know', () => bodyOf('p2')],
    ['of other bytes each', (i: number) => bodyOf('p1', `evt-${i}`)],
    ['that are no JSON', () => Buffer.from('{"projectId":"p1"')],
    ['without a body', () => Buffer.alloc(0)],
  ])('reports no unknown signatures %s, however many', async (_, head) => {
    await signedEvent()
    await look()
    later(minute)
    for (let i = 0; i < 40; i++) await wrongSignature({ head: head(i) })
    await look()
    later(minute)
    await look()
    expect(await titles()).toEqual([])
  })

  it("finds Langfuse's attempts among 120 requests of a stranger", async () => {
    await signedEvent()
    await look()
    later(minute)
    for (let i = 0; i < 4; i++) await wrongSignature()
    for (let i = 0; i < 120; i++) await wrongSignature({ head: Buffer.from(`{"n":${i}}`) })
    await look()
    expect(await titles()).toHaveLength(1)
  })

  it('reports a secret that was used for one project and now signs for another, and keeps its events', async () => {
    for (let i = 0; i < 3; i++) await signedEvent('p1')
    await look()
    later(minute)
    await signedEvent('p2')
    await look()
    later(minute)
    await look()
    expect(await titles()).toEqual([
      'The webhook secret ending in c0de, used so far by project p1, now signs for project p2',
    ])
    const [trouble] = (await readWatch(store.db)).troubles
    expect(trouble?.secret).toEqual({ hint: 'c0de', projectId: 'p1', otherId: 'p2' })
    expect(await store.db.selectFrom('events').select('id').execute()).toHaveLength(4)
    later(25 * hour)
    await look()
    expect((await titles())[1]).toMatch(/^The webhook secret ending in c0de has not signed for project p2/)
  })

  it('says nothing of a secret whose project has a known id, since what it signs for others is refused', async () => {
    const webhookSecrets = ['lf-whsec_0000c0de']
    const bound = createDirectory([langfuseProject({ name: 'support', id: 'p2', webhookSecrets })])
    await signedEvent('p1')
    await look(undefined, bound)
    later(minute)
    // The secret was moved to another project on purpose.
    await signedEvent('p2')
    await look(undefined, bound)
    expect(await titles()).toEqual([])
    later(10 * minute)
    await look(undefined, bound)
    const unbound = createDirectory([langfuseProject({ name: 'support', webhookSecrets })])
    later(5 * minute)
    await signedEvent('p1')
    await look(undefined, unbound)
    later(minute)
    await signedEvent('p2')
    await look(undefined, unbound)
    expect(await titles()).toHaveLength(1)
  })

  it('learns from stored events which projects a secret signs for, and does not report them', async () => {
    await signedEvent('p1')
    await signedEvent('p2')
    later(30 * hour)
    await look()
    later(minute)
    await signedEvent('p3')
    await look()
    expect(await titles()).toEqual([])
  })

  it('resumes at once after the clock was set back by three hours', async () => {
    later(3 * hour)
    await signedEvent()
    await look()
    later(-3 * hour)
    await look()
    expect((await readWatch(store.db)).lookedAt).toBe(Date.now())
    later(1)
    for (let i = 0; i < 5; i++) await wrongSignature()
    later(minute)
    await look()
    expect(await titles()).toEqual(["Requests that look like Langfuse's are signed with an unknown secret"])
    await signedEvent()
    later(minute)
    await look()
    expect((await readWatch(store.db)).lastSignedAt).toBe(Date.now() - minute)
  })

  it('shows a silence of 36 days in amber, with what Langfuse says about it', async () => {
    await signedEvent()
    await look()
    later(36 * 24 * hour)
    const line = async (hasKeys: boolean) => {
      const setting = { quietMs: 24 * hour, hasKeys, writeProblem: null, proofs: [] }
      const [first] = healthItems(await readHealth(store.db, Date.now()), setting, Date.now())
      return [first?.words, first?.tone]
    }
    await look()
    expect(await line(false)).toEqual(['36 d ago, cause unknown; set API keys to check', 'warn'])
    expect(await line(true)).toEqual(['36 d ago, cause unknown; Langfuse does not answer', 'warn'])
    later(minute)
    await look(langfuse(null).api)
    expect(await line(true)).toEqual(['36 d ago, no prompt changed since', 'quiet'])
  })

  it('reports changes that do not settle, and shows them as waiting', async () => {
    const at = Date.now()
    const open = newChange({ now: at, subject: 'a prompt', eventCount: 1 })
    await store.db.insertInto('changes').values(open).execute()
    for (let i = 0; i < 14; i++) {
      later(minute)
      await look()
    }
    expect(await titles()).toEqual(['Changes do not settle, so no target is notified of them'])
    const health = await readHealth(store.db, Date.now())
    expect(health).toMatchObject({ waitingSince: at, overdue: { since: at } })
    expect(await readWaiting(store.db, Date.now())).toMatchObject({ since: at, overdueSince: at })
    const text = metricsText(await storeFamilies(store.db, Date.now()))
    expect(text).toContain(`prompt_relay_oldest_waiting_seconds ${14 * 60}\n`)
    expect(text).toMatch(/prompt_relay_overdue_changes [1-9]/)
    await store.db.updateTable('changes').set({ next_at: null }).execute()
    later(minute)
    await look()
    expect((await titles()).at(-1)).toBe('All changes have settled, after 15 min')
  })

  it('runs once a minute, however many instances there are', async () => {
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

  it('notifies the alert target when a target keeps failing and when it recovers, but never the target itself', async () => {
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
    expect(await notified()).toEqual(['trouble to alerts: delivered', 'trouble-over to alerts: delivered'])
    expect(await titles()).toEqual([
      'slack keeps failing',
      expect.stringMatching(/^slack accepts messages again, after \d+ min$/),
    ])
  })

  it('reports the end of a trouble after its beginning, even if that could not be delivered at first', async () => {
    let isDown = true
    const reports: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (isDown) return status(500)
      const { text } = JSON.parse(String(init?.body)) as { text: string }
      if (String(input) === slackUrl('alerts')) reports.push(text.replace(/, after.*/, ''))
      return ok()
    }
    await queueChanges(store.db, 20, ['slack'])
    const loop = simulatedLoop(watched, { fetch, routes, watch: { quietMs: 0 } })
    const run = async () => {
      await loop.start()
      await sleep(20 * minute)
      isDown = false
      await sleep(30 * minute)
      await loop.stop()
    }
    await passTime(run(), [watched])
    expect(loop.errors).toEqual([])
    expect(reports).toEqual(['slack keeps failing', 'slack accepts messages again'])
  })

  it('shows troubles of the alert target too, and notifies no one', async () => {
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
    expect(await notified()).toEqual([])
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

  it('sends no request in a dry run, marks its deliveries, and sends them when they are replayed live', async () => {
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
    const { replayDelivery } = await import('#lib/pipeline/replay/replay.ts')
    expect(await replayDelivery(watched.db, row?.id ?? '', Date.now())).toEqual({ ok: true })
    const live = fetchDouble(() => ok())
    const other = simulatedLoop(watched, { fetch: live.fetch, routes })
    await passTime(other.drain(Date.now() + minute), [watched])
    expect(live.calls).toHaveLength(1)
    expect((await store.db.selectFrom('deliveries').select('status').execute())[0]?.status).toBe('delivered')
  })
})
