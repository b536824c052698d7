import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change } from '#lib/core/change/change.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { recoveryOf } from '#lib/pipeline/settle/monitor-history.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { deleteChanges } from '#lib/store/tables/prune.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const routes = { targets: {}, rules: [], alertTargets: [] }
const minute = 60_000

interface Run {
  severity: string
  /** When the monitor ran, in minutes. */
  at: number
  monitorId?: string
  projectId?: string
}

describe.each(engines)('alerts on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  let count = 0
  beforeEach(async () => {
    time = t * 1000
    store = await openStore()
  })
  afterEach(() => store.close())

  const iso = (minutes: number) => new Date(t * 1000 + minutes * minute).toISOString()
  function bodyOf({ severity, at, monitorId = 'm1', projectId = 'p1' }: Run): Uint8Array {
    const body = JSON.parse(fixture('09-monitor-alert.json').toString())
    const message = { title: `[${severity}] p95 latency`, body: 'Words.' }
    const payload = { ...body.payload, severity, message, monitorId, projectId, timestamp: iso(at) }
    // The body's timestamp is when it was sent, which may be much later.
    return Buffer.from(JSON.stringify({ ...body, id: `id-${count++}`, timestamp: iso(at + 500), payload }))
  }
  /** Sends the runs to the relay in this order, and settles them. */
  async function report(...runs: Run[]): Promise<Change[]> {
    if (!env) throw new Error('The environment has problems')
    const now = () => time
    for (const run of runs) {
      time += 1
      const body = bodyOf(run)
      const headers = { 'x-langfuse-signature': sign(body) }
      const request = new Request('http://localhost/', { method: 'POST', headers, body: body as BodyInit })
      const receive = receiver(store.db, { settleMs: 0, now })
      await answerWebhook(request, { env, now, receive, reject: async () => {} })
      for (let i = 0; i < 10; i++) await settleDue({ db: store.db, routes, now })
    }
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  /** Fails if there is none. */
  function changeIn(change: Change | undefined): Change {
    if (!change) throw new Error('There is no such change')
    return change
  }
  const alert = (at: number, over: Partial<Run> = {}): Run => ({ severity: 'ALERT', at, ...over })
  const recovery = (at: number, over: Partial<Run> = {}): Run => ({ severity: 'OK', at, ...over })

  it('link to their recovery, and lasted from one run of the monitor to the other', async () => {
    const [begin, end] = await report(alert(0), recovery(42))
    expect(end?.title).toBe('Recovered after 42 min: p95 latency')
    expect(end?.detail.alert).toEqual({
      changeId: begin?.id,
      title: 'Alert: p95 latency',
      since: t * 1000,
      forMs: 42 * minute,
    })
    expect(await recoveryOf(store.db, changeIn(begin))).toEqual({
      changeId: end?.id,
      at: t * 1000 + 42 * minute,
      forMs: 42 * minute,
    })
  })

  it('are one alert from the first warning on, however often it is repeated', async () => {
    const warning: Run = { severity: 'WARNING', at: 10 }
    const reported = await report(
      recovery(0),
      warning,
      alert(20),
      alert(30),
      { severity: 'NO_DATA', at: 35 },
      recovery(40),
    )
    expect(reported.at(-1)?.title).toBe('Recovered after 30 min: p95 latency')
    expect(reported.at(-1)?.detail.alert).toMatchObject({
      changeId: reported[1]?.id,
      title: 'Warning: p95 latency',
    })
    expect(reported).toHaveLength(6)
    for (const one of reported.slice(1, 5))
      expect(await recoveryOf(store.db, one)).toMatchObject({
        changeId: reported.at(-1)?.id,
        forMs: 30 * minute,
      })
  })

  it('without data are neither dangerous nor a recovery', async () => {
    const reported = await report(alert(0), { severity: 'NO_DATA', at: 10 })
    expect(reported.map(({ kind, danger, title }) => [kind, danger, title])).toEqual([
      ['alert', true, 'Alert: p95 latency'],
      ['alert', false, 'No data: p95 latency'],
    ])
    expect(await recoveryOf(store.db, changeIn(reported[0]))).toBeNull()
  })

  it.each([
    ['of another monitor', recovery(42, { monitorId: 'm2' })],
    ['of another project', recovery(42, { projectId: 'p2' })],
    ['from an earlier run', recovery(-5)],
    ['of the same run', recovery(0)],
  ])('are not ended by a recovery %s', async (_, other) => {
    const [begin, end] = await report(alert(0), other)
    expect(end?.title).toBe('Recovered: p95 latency')
    expect(end?.detail.alert).toBeUndefined()
    expect(await recoveryOf(store.db, changeIn(begin))).toBeNull()
  })

  it('are ended only once', async () => {
    const reported = await report(alert(0), recovery(10), recovery(20))
    expect(reported.at(-1)?.title).toBe('Recovered: p95 latency')
  })

  it('are one alert and one recovery when two automations send the same runs', async () => {
    const reported = await report(alert(0), alert(0), recovery(42), recovery(42))
    expect(reported.map(({ kind }) => kind)).toEqual(['alert', 'recovered'])
    expect(reported[1]?.title).toBe('Recovered after 42 min: p95 latency')
  })

  it('that arrive after their recovery still link to it', async () => {
    const [end, begin] = await report(recovery(42), alert(0))
    expect(end?.title).toBe('Recovered: p95 latency')
    expect(await recoveryOf(store.db, changeIn(begin))).toMatchObject({
      changeId: end?.id,
      forMs: 42 * minute,
    })
  })

  it('are kept apart by an old recovery that arrives late', async () => {
    const reported = await report(alert(0), alert(60), recovery(30))
    expect(reported.at(-1)?.title).toBe('Recovered after 30 min: p95 latency')
    expect(await recoveryOf(store.db, changeIn(reported[1]))).toBeNull()
  })

  it('with a monitor id of any length are found, and leave nothing behind', async () => {
    const monitorId = Array.from({ length: 5000 }, (_, i) =>
      String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000)),
    ).join('')
    const reported = await report(alert(0, { monitorId }), recovery(42, { monitorId }))
    expect(reported[1]?.title).toBe('Recovered after 42 min: p95 latency')
    await deleteChanges(
      store.db,
      reported.map(({ id }) => id),
    )
    expect(await store.db.selectFrom('change_facets').selectAll().execute()).toEqual([])
  })
})
