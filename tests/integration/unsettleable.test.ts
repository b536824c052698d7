import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { reinterpret } from '#lib/pipeline/replay/reinterpret.ts'
import { type SettleDeps, settleDue } from '#lib/pipeline/settle/settle.ts'
import { overdueChanges, toChange } from '#lib/store/tables/changes.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const target = { type: 'slack', url: 'https://slack.example/x' } as const
const routes: Routes = {
  targets: { team: target, operators: target },
  rules: [{ name: 'all', to: ['team'] }],
  alertTargets: ['operators'],
}
/** A score stored as the event of an alert's change, which settling cannot handle. */
const stray = new TextEncoder().encode(
  JSON.stringify({
    event: 'score.created',
    timestamp: '2026-08-20T12:00:00.000Z',
    data: { scoreId: 's', projectId: 'p', name: 'x', value: 1, dataType: 'NUMERIC' },
  }),
)

describe.each(engines)('changes that cannot be settled, on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    vi.spyOn(console, 'log').mockImplementation(() => {})
    time = t * 1000
    store = await openStore()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await store.close()
  })

  const now = () => time
  const say = async (ids: string[]) => {
    const receive = receiver(store.db, { settleMs: 2000, now })
    if (!env) throw new Error('The environment has problems')
    for (const id of ids) {
      const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
      const monitor = { ...alert.payload, monitorId: id }
      const body = JSON.stringify({ ...alert, id, payload: monitor })
      const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
      const request = new Request('http://localhost/', { method: 'POST', headers, body })
      expect((await answerWebhook(request, { env, now, receive, reject: async () => {} })).status).toBe(202)
    }
  }
  const spoil = () => store.db.updateTable('events').set({ body: stray }).execute()
  const settle = async (over: Partial<SettleDeps> = {}) => {
    let looks = 0
    while ((await settleDue({ db: store.db, routes, now, ...over })).claimed > 0) looks++
    return looks
  }
  const changes = async () => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  const counts = async () => {
    const all = await changes()
    return Object.fromEntries(
      [...Map.groupBy(all, ({ status, kind }) => `${status} ${kind}`)].map(([key, of]) => [key, of.length]),
    )
  }
  const deliveries = () =>
    store.db.selectFrom('deliveries').select(['target', 'status', 'change_id']).orderBy('target').execute()
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`)

  it('do not delay others: 60 of them are set aside at once, and the rest settles', async () => {
    await say(names('spoiled', 60))
    await spoil()
    await say(names('ordinary', 3))
    expect(await settle()).toBe(7)
    expect(await counts()).toEqual({ 'settling unchanged': 60, 'settled alert': 3 })
    expect(await settle()).toBe(0)
  })

  it('settle after four attempts as not described: visible, reported, with their events', async () => {
    await say(names('spoiled', 12))
    await spoil()
    for (const waitMs of [0, 10_000, 60_000]) {
      time += waitMs
      await settle()
      expect(await counts()).toEqual({ 'settling unchanged': 12 })
    }
    expect(await overdueChanges(store.db, time)).toMatchObject({ count: 12 })
    time += 300_000
    await settle()
    expect(await counts()).toEqual({ 'settled undescribed': 12 })
    const [change] = await changes()
    expect(change).toMatchObject({
      title: 'A change of p95 latency checkout agent could not be described',
      danger: true,
      eventCount: 1,
    })
    expect(change?.detail.message).toMatch(/^Interpreting it failed 4 times in 6 min\. Its event is kept\./)
    expect(change?.detail.problems).toEqual(['A change without events of its own'])
    expect((await deliveries()).map(({ target: name, status }) => `${name} ${status}`)).toEqual(
      Array(12).fill('operators queued'),
    )
    expect(await store.db.selectFrom('events').select('id').execute()).toHaveLength(12)
    expect((await overdueChanges(store.db, time)).count).toBe(0)
  })

  it('are interpreted again on request, once', async () => {
    await say(['one'])
    const [{ body } = { body: stray }] = await store.db.selectFrom('events').select('body').execute()
    await spoil()
    for (const waitMs of [0, 10_000, 60_000, 300_000]) {
      time += waitMs
      await settle()
    }
    const [undescribed] = await changes()
    const id = undescribed?.id ?? ''
    await store.db.updateTable('events').set({ body }).execute()
    const fresh = await reinterpret(store.db, id, time)
    await settle()
    const [old, again] = await changes()
    expect(old).toMatchObject({ id, kind: 'undescribed', detail: { reinterpretedAs: fresh } })
    expect(again).toMatchObject({ id: fresh, kind: 'alert', status: 'settled', eventCount: 1 })
    expect((await deliveries()).filter(({ change_id }) => change_id === fresh)).toMatchObject([
      { target: 'operators', status: 'skipped' },
      { target: 'team', status: 'queued' },
    ])
    expect(await reinterpret(store.db, id, time)).toBeNull()
    expect(await reinterpret(store.db, fresh ?? '', time)).toBeNull()
    expect(await reinterpret(store.db, 'chg_none', time)).toBeNull()
  })

  it('are retried every hour if not even that can be stored, and resume by themselves', async () => {
    await say(['one'])
    const broken: Routes = {
      ...routes,
      get rules(): Routes['rules'] {
        throw new Error('a bug')
      },
    }
    for (const waitMs of [0, 10_000, 60_000, 300_000, 3_600_000]) {
      time += waitMs
      expect(await settle({ routes: broken })).toBe(1)
      expect(await counts()).toEqual({ 'settling unchanged': 1 })
    }
    time += 3_600_000
    await settle()
    expect(await counts()).toEqual({ 'settled alert': 1 })
  })

  it('do not count failures of the store', async () => {
    await say(['one', 'two'])
    const gone: Routes = {
      ...routes,
      get rules(): Routes['rules'] {
        throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
      },
    }
    await expect(settle({ routes: gone })).rejects.toThrow('ECONNREFUSED')
    expect(await store.db.selectFrom('settle_failures').selectAll().execute()).toEqual([])
    await settle()
    expect(await counts()).toEqual({ 'settled alert': 2 })
  })
})
