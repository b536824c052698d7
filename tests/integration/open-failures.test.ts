import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Routes } from '#lib/core/rules/rules.ts'
import { storeFamilies } from '#lib/pipeline/exported-metrics.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { ensureTargets } from '#lib/store/tables/targets.ts'
import { readHealth } from '#lib/store/views/health.ts'
import {
  dismissalsOf,
  dismissFailure,
  dismissFailures,
  replayFailures,
} from '#lib/store/views/open-failures.ts'
import { healthItems } from '../../app/(dashboard)/_list/health-words.ts'
import {
  fetchDouble,
  ok,
  passTime,
  queueChanges,
  simulatedLoop,
  simulateTime,
  slackTargets,
  slackUrl,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const day = 86_400_000

describe.each(engines)("last month's failures on %s", (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
    await ensureTargets(store.db, ['slack', 'ops'])
  })
  afterEach(async () => {
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })

  const by = { actor: null }
  const failed = (count: number) =>
    queueChanges(store.db, count, ['slack'], {
      status: 'failed',
      next_at: null,
      attempt: 3,
      failures: 3,
      reason: '404 no_service',
      finished_at: Date.now(),
    })
  const later = (ms: number) => vi.setSystemTime(Date.now() + ms)
  const open = async () =>
    (await readHealth(store.db, Date.now())).openFailures.map(
      ({ target, count, reason }) => `${count} to ${target}: ${reason}`,
    )
  const setting = { quietMs: 0, hasKeys: false, writeProblem: null, proofs: [] }
  const line = async () =>
    healthItems(await readHealth(store.db, Date.now()), setting, Date.now()).map(
      ({ name, words }) => `${name}: ${words}`,
    )
  const gauge = async () => {
    const families = await storeFamilies(store.db, Date.now())
    const found = families.find(({ name }) => name === 'prompt_relay_open_failures')
    return found?.samples.find(({ labels }) => labels.target === 'slack')?.value
  }

  it('are shown in the health line and the metrics, with their reason, until they are replayed', async () => {
    await failed(6)
    later(17 * day)
    await queueChanges(store.db, 3, ['slack'], { status: 'delivered', next_at: null })
    expect(await open()).toEqual(['6 to slack: 404 no_service'])
    expect(await line()).toContain('slack: 6 open failures')
    expect((await line()).join()).not.toContain('100%')
    expect(await gauge()).toBe(6)
    const until = Date.now()
    expect(await replayFailures(store.db, { target: 'slack', until }, until)).toBe(6)
    expect(await open()).toEqual([])
    const { fetch, calls } = fetchDouble(() => ok())
    const routes: Routes = { targets: slackTargets('slack'), rules: [], alertTargets: [] }
    const loop = simulatedLoop(watched, { fetch, routes })
    await passTime(loop.drain(Date.now() + 60_000), [watched])
    expect(calls).toHaveLength(6)
    expect(await line()).toContain('slack, 24 h: 100%')
    expect(await gauge()).toBe(0)
  })

  it('are gone when they are dismissed, which is recorded, and can still be replayed', async () => {
    const rows = await failed(6)
    later(17 * day)
    const now = Date.now()
    expect(await dismissFailures(store.db, { target: 'slack', until: now }, { ...by, now })).toBe(6)
    expect(await dismissFailures(store.db, { target: 'slack', until: now }, { ...by, now })).toBe(0)
    expect(await open()).toEqual([])
    const id = rows[0]?.id ?? ''
    expect(await dismissalsOf(store.db, [id])).toEqual(new Map([[id, now]]))
    expect(await replayDelivery(store.db, id, now)).toEqual({ ok: true })
    expect(await dismissalsOf(store.db, [id])).toEqual(new Map())
  })

  it('are open again if they fail again, even after the clock was set back', async () => {
    const [row] = await failed(1)
    const now = Date.now()
    expect(await dismissFailure(store.db, row?.id ?? '', { ...by, now })).toBe(true)
    expect(await dismissFailure(store.db, row?.id ?? '', { ...by, now })).toBe(false)
    expect(await open()).toEqual([])
    await replayDelivery(store.db, row?.id ?? '', now)
    later(-day)
    await store.db.updateTable('deliveries').set({ next_at: Date.now() }).execute()
    const { fetch } = fetchDouble(() => status(404, {}, 'no_service'))
    const routes: Routes = { targets: slackTargets('slack'), rules: [], alertTargets: [] }
    const loop = simulatedLoop(watched, { fetch, routes })
    await passTime(loop.drain(Date.now() + 60_000), [watched])
    expect(await open()).toEqual([expect.stringMatching(/^1 to slack: .*404 no_service/)])
  })

  it('are replayed and dismissed only as far as the user saw them', async () => {
    await failed(2)
    const until = Date.now()
    later(1000)
    await failed(1)
    expect(await dismissFailures(store.db, { target: 'slack', until }, { ...by, now: Date.now() })).toBe(2)
    expect(await open()).toEqual(['1 to slack: 404 no_service'])
    expect(await replayFailures(store.db, { target: 'slack', until }, Date.now())).toBe(0)
    expect(await replayFailures(store.db, { target: 'ops', until: Date.now() }, Date.now())).toBe(0)
  })

  it('are never pruned, unless they were dismissed', async () => {
    const [dismissed] = await failed(2)
    await dismissFailure(store.db, dismissed?.id ?? '', { ...by, now: Date.now() })
    later(31 * day)
    await prune(store.db, { retentionDays: 30, now: Date.now, stopping: () => false })
    const left = await store.db.selectFrom('deliveries').select('id').execute()
    expect(left.map(({ id }) => id)).not.toContain(dismissed?.id)
    expect(left).toHaveLength(1)
    expect(await store.db.selectFrom('dismissals').select('delivery_id').execute()).toEqual([])
  })

  it('are errors in the log, while an attempt that will be retried is a warning', async () => {
    const lines: string[] = []
    for (const method of ['log', 'error'] as const)
      vi.spyOn(console, method).mockImplementation((line: string) => void lines.push(line))
    const { fetch } = fetchDouble(({ url }) => status(url === slackUrl('slack') ? 500 : 404))
    const [slow, ops] = Object.values(slackTargets('slack', 'ops'))
    if (!slow || !ops) throw new Error('There are two')
    await queueChanges(store.db, 1, ['slack', 'ops'])
    const targets = { slack: { ...slow, retryDelays: [0, 1] }, ops }
    const loop = simulatedLoop(watched, { fetch, routes: { targets, rules: [], alertTargets: [] } })
    await passTime(loop.drain(Date.now() + 60_000), [watched])
    const attempts = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'attempt')
    const of = (name: string) =>
      attempts.filter(({ target }) => target === name).map(({ level, givenUp }) => [level, givenUp])
    expect(of('ops')).toEqual([['error', true]])
    expect(of('slack')).toEqual([
      ['warn', false],
      ['error', true],
    ])
  })

  it('are announced with their reason and a link to where they can be replayed', async () => {
    const bodies: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (String(input) === slackUrl('slack')) return status(404, {}, 'no_service')
      bodies.push(String(init?.body))
      return ok()
    }
    await queueChanges(store.db, 2, ['slack'])
    const routes: Routes = { targets: slackTargets('slack', 'ops'), rules: [], alertTargets: ['ops'] }
    const loop = simulatedLoop(watched, { fetch, routes })
    await passTime(loop.drain(Date.now() + 60_000), [watched])
    expect(bodies).toHaveLength(1)
    expect(bodies[0]).toContain('no_service')
    expect(bodies[0]).toContain('https://relay.test/?status=failed&target=slack&test=shown')
    expect(bodies[0]).toContain('View and replay')
  })
})
