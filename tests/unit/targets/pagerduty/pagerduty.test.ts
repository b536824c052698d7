import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { pagerdutyUrl, sendPagerduty } from '#lib/targets/pagerduty/pagerduty.ts'
import { pagerdutyKey, startPagerdutyStandIn } from '../../../mocks/pagerduty.ts'
import { factOf, messageOf } from '../messages.ts'

let standIn: Awaited<ReturnType<typeof startPagerdutyStandIn>>
beforeEach(async () => {
  standIn = await startPagerdutyStandIn()
})
afterEach(() => standIn.close())

const tell = (fact: Fact, change: { id: string; danger?: boolean; test?: boolean }) =>
  sendPagerduty(
    { type: 'pagerduty', routingKey: pagerdutyKey, eventsUrl: `${standIn.url}/` },
    messageOf({ fact, change }),
    { fetch, now: () => 0, signal: AbortSignal.timeout(5000) },
  )

describe('PagerDuty', () => {
  it('has one incident of an alert that is told again, worse, or replayed, and none after its recovery', async () => {
    await tell({ kind: 'alert', severity: 'WARNING', monitorId: 'm1' }, { id: 'chg_1' })
    await tell({ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }, { id: 'chg_2' })
    await tell({ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }, { id: 'chg_2' })
    await tell({ kind: 'alert', severity: 'ALERT', monitorId: 'm2' }, { id: 'chg_3' })
    expect(standIn.incidents).toEqual(new Set(['langfuse-alert:p1:m1', 'langfuse-alert:p1:m2']))
    await tell({ kind: 'recovered', severity: 'OK', monitorId: 'm1' }, { id: 'chg_4' })
    expect(standIn.incidents).toEqual(new Set(['langfuse-alert:p1:m2']))
  })

  it('has one incident of a trouble that is replayed, and of another trouble another', async () => {
    for (const id of ['chg_1', 'chg_1', 'chg_2']) await tell(factOf('given-up'), { id })
    expect(standIn.incidents).toEqual(new Set(['prompt-relay:chg_1', 'prompt-relay:chg_2']))
  })

  it('has no incident of a promotion or of a test, and one of production without a version', async () => {
    await tell(factOf('promoted'), { id: 'chg_1' })
    await tell(factOf('alert'), { id: 'chg_2', test: true })
    expect(standIn.incidents.size).toBe(0)
    await tell(factOf('deleted'), { id: 'chg_3', danger: true })
    expect(standIn.incidents).toEqual(new Set(['langfuse-label:["p1","support/refund-reply","production"]']))
    expect(standIn.seen.map(({ path }) => path)).toEqual([
      '/v2/change/enqueue',
      '/v2/change/enqueue',
      '/v2/enqueue',
    ])
  })

  it.each(['', '/', '/v2', '/v2/enqueue', '/v2/enqueue/', '/v2/change/enqueue'])(
    'is reached where its address is given with "%s"',
    async (path) => {
      const target = {
        type: 'pagerduty' as const,
        routingKey: pagerdutyKey,
        eventsUrl: `${standIn.url}${path}`,
      }
      const context = { fetch, now: () => 0, signal: AbortSignal.timeout(5000) }
      for (const fact of [factOf('given-up'), factOf('promoted')])
        expect(await sendPagerduty(target, messageOf({ fact }), context)).toMatchObject({
          outcome: 'delivered',
        })
      expect(standIn.seen.map((request) => request.path)).toEqual(['/v2/enqueue', '/v2/change/enqueue'])
    },
  )

  it('is reached behind a path of a proxy', () => {
    const target = {
      type: 'pagerduty' as const,
      routingKey: pagerdutyKey,
      eventsUrl: 'https://proxy.example/pd/',
    }
    expect(pagerdutyUrl(target, '/v2/enqueue')).toBe('https://proxy.example/pd/v2/enqueue')
  })

  it('is given no key in what is kept of the request, and everything else of it', async () => {
    const { request } = await tell(factOf('given-up'), { id: 'chg_1' })
    expect(request).not.toContain(pagerdutyKey)
    expect(JSON.parse(request)).toMatchObject({ routing_key: '[secret]', dedup_key: 'prompt-relay:chg_1' })
  })
})
