import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { targetKinds } from '#lib/core/rules/target-settings.ts'
import { classifyPagerduty, pagerduty } from '#lib/targets/pagerduty/pagerduty.ts'
import { pagerdutyKey, startPagerdutyStandIn } from '../../../mocks/pagerduty.ts'
import { standIns } from '../../../mocks/targets.ts'
import { answerOf, now } from '../answers.ts'
import { factOf, messageOf } from '../messages.ts'

let standIn: Awaited<ReturnType<typeof startPagerdutyStandIn>>
beforeEach(async () => {
  standIn = await startPagerdutyStandIn()
})
afterEach(() => standIn.close())

const notify = (fact: Fact, change: { id: string; danger?: boolean; test?: boolean }, path = '/') =>
  pagerduty.send(
    { type: 'pagerduty', routingKey: pagerdutyKey, eventsUrl: `${standIn.url}${path}` },
    messageOf({ fact, change }),
    { fetch, now: () => 0, signal: AbortSignal.timeout(5000) },
  )

describe('PagerDuty', () => {
  it('has one incident for an alert that comes again, gets worse or is replayed, and none after its recovery', async () => {
    await notify({ kind: 'alert', severity: 'WARNING', monitorId: 'm1' }, { id: 'chg_1' })
    await notify({ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }, { id: 'chg_2' })
    await notify({ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }, { id: 'chg_2' })
    await notify({ kind: 'alert', severity: 'ALERT', monitorId: 'm2' }, { id: 'chg_3' })
    expect(standIn.incidents).toEqual(new Set(['langfuse-alert:p1:m1', 'langfuse-alert:p1:m2']))
    await notify({ kind: 'recovered', severity: 'OK', monitorId: 'm1' }, { id: 'chg_4' })
    expect(standIn.incidents).toEqual(new Set(['langfuse-alert:p1:m2']))
  })

  it('has one incident for a trouble that is replayed, and another for another trouble', async () => {
    for (const id of ['chg_1', 'chg_1', 'chg_2']) await notify(factOf('given-up'), { id })
    expect(standIn.incidents).toEqual(new Set(['prompt-relay:chg_1', 'prompt-relay:chg_2']))
  })

  it('has no incident for a promotion or a test, and one for production without a version', async () => {
    await notify(factOf('promoted'), { id: 'chg_1' })
    await notify(factOf('alert'), { id: 'chg_2', test: true })
    expect(standIn.incidents.size).toBe(0)
    await notify(factOf('deleted'), { id: 'chg_3', danger: true })
    expect(standIn.incidents).toEqual(new Set(['langfuse-label:["p1","support/refund-reply","production"]']))
    expect(standIn.seen.map(({ path }) => path)).toEqual([
      '/v2/change/enqueue',
      '/v2/change/enqueue',
      '/v2/enqueue',
    ])
  })

  it.each(['', '/', '/v2', '/v2/enqueue', '/v2/enqueue/', '/v2/change/enqueue'])(
    'is reached where its address was copied with "%s"',
    async (path) => {
      const target = targetKinds.pagerduty.settings.parse({
        type: 'pagerduty',
        routingKey: pagerdutyKey,
        eventsUrl: `${standIn.url}${path}`,
      })
      const context = { fetch, now: () => 0, signal: AbortSignal.timeout(5000) }
      for (const fact of [factOf('given-up'), factOf('promoted')])
        expect(await pagerduty.send(target, messageOf({ fact }), context)).toMatchObject({
          outcome: 'delivered',
        })
      expect(standIn.seen.map((request) => request.path)).toEqual(['/v2/enqueue', '/v2/change/enqueue'])
    },
  )

  it('is reached behind a path of a proxy', async () => {
    standIn.answerWith(() => ({ status: 202 }))
    await notify(factOf('promoted'), { id: 'chg_1' }, '/pd/')
    expect(standIn.seen.map((request) => request.path)).toEqual(['/pd/v2/change/enqueue'])
  })

  it('keeps the whole request but for its key', async () => {
    const { request } = await notify(factOf('given-up'), { id: 'chg_1' })
    expect(request).not.toContain(pagerdutyKey)
    expect(JSON.parse(request)).toMatchObject({ routing_key: '[secret]', dedup_key: 'prompt-relay:chg_1' })
  })
})

describe('an answer of PagerDuty', () => {
  const target = standIns.pagerduty.target('https://events.pagerduty.com')
  const judge = (...answer: Parameters<typeof answerOf>) =>
    classifyPagerduty(answerOf(...answer), target, now)

  it('only 202 is delivered', () => {
    expect(judge(202, '{"status":"success"}')).toEqual({ outcome: 'delivered' })
    for (const status of [200, 201, 204]) {
      expect(judge(status, '<html>')).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('https://events.pagerduty.com'),
      })
    }
    // A service that is compatible with PagerDuty.
    expect(judge(200, '{"status":"success","message":"Event processed"}')).toEqual({
      outcome: 'delivered',
      note: 'PagerDuty answered 200, not 202: "Event processed"',
    })
  })

  it("400 is given up in PagerDuty's own words", () => {
    const errors = ["Length of 'routing_key' is incorrect (should be 32 characters)", "'severity' is invalid"]
    const body = JSON.stringify({ status: 'invalid event', message: 'Event object is invalid', errors })
    expect(judge(400, body)).toEqual({
      outcome: 'failed',
      reason: `PagerDuty answered 400: it refused the event. Check the integration key: ${errors.join('; ')}`,
    })
  })

  it.each([
    ['{"message":"Bad\\nrequest"}', /: Bad request$/],
    ['<html>\n<b>Proxy</b>', /: <html> <b>Proxy<\/b>$/],
    ['{"errors":"none"}', /: \{"errors":"none"\}$/],
    ['', /integration key$/],
  ])('400 with %j has a reason as well', (body, reason) => {
    expect(judge(400, body)).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(reason) })
  })

  it('429 waits for minutes where no time is named, else for the time', () => {
    expect(judge(429)).toMatchObject({ outcome: 'wait', retryAfterMs: 120_000 })
    expect(judge(429, '', { 'retry-after': '7' })).toMatchObject({ outcome: 'wait', retryAfterMs: 7000 })
  })
})
