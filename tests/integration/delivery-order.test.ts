import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import type { Target } from '#lib/core/rules/target-settings.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { replayChange, replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { fixture, secret, sign } from '../fixtures.ts'
import { pagerdutyKey } from '../mocks/pagerduty.ts'
import {
  passTime,
  simulatedLoop,
  simulateTime,
  slackUrl,
  sleep,
  start,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const minute = 60_000

const pagerduty: Target = {
  type: 'pagerduty',
  routingKey: pagerdutyKey,
  eventsUrl: 'https://pagerduty.test',
  retryDelays: [0, 2, 2, 2, 5, 60, 600],
}
const slack: Target = { type: 'slack', url: slackUrl('slack'), retryDelays: [0, 2, 2, 2, 5, 60, 600] }

/** What a target accepted or refused. */
interface Sent {
  at: number
  /** `trigger` or `resolve`; for Slack, the beginning of the sentence. */
  says: string
  status: number
}

describe.each(engines)('deliveries that open and end an incident, on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  let sent: Sent[]
  let answer: (says: string) => number | 'lost'
  let count = 0
  const loops: ReturnType<typeof simulatedLoop>[] = []

  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
    sent = []
    answer = () => 200
  })
  afterEach(async () => {
    for (const loop of loops.splice(0)) {
      await passTime(loop.stop(), [watched])
      expect(loop.errors).toEqual([])
    }
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })

  const fetch: typeof globalThis.fetch = async (_input, init) => {
    const body = JSON.parse(String(init?.body)) as { event_action?: string; text?: string }
    const says = body.event_action ?? body.text?.replace(/( after.*)?:.*/, '') ?? ''
    const answered = answer(says)
    sent.push({ at: Date.now() - start, says, status: answered === 'lost' ? 0 : answered })
    if (answered === 'lost') throw Object.assign(new TypeError('failed'), { cause: { code: 'ECONNRESET' } })
    if (answered !== 200) return status(answered)
    return body.event_action ? status(202) : new Response('ok')
  }
  const routesTo = (there: Target): Routes => ({
    targets: { there },
    rules: [{ name: 'alerts', on: ['alert', 'recovered'], to: ['there'] }],
    alertTargets: [],
  })

  /** Langfuse's webhook about a run of the monitor, this many minutes after the start. */
  async function monitorWebhook(severity: 'ALERT' | 'OK', minutes: number, monitorId = 'm1') {
    if (!env) throw new Error('The environment has problems')
    const body = JSON.parse(fixture('09-monitor-alert.json').toString())
    const timestamp = new Date(start + minutes * minute).toISOString()
    const message = { title: `[${severity}] p95 latency`, body: 'Words.' }
    const payload = { ...body.payload, severity, message, monitorId, timestamp }
    const bytes = Buffer.from(JSON.stringify({ ...body, id: `id-${count++}`, payload }))
    const headers = { 'x-langfuse-signature': sign(bytes, { t: Math.floor(Date.now() / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body: bytes as BodyInit })
    const receive = receiver(watched.db, { settleMs: 0, now: Date.now })
    const answered = answerWebhook(request, { env, now: Date.now, receive, reject: async () => {} })
    expect((await passTime(answered, [watched])).status).toBe(202)
    for (const loop of loops) loop.wake()
  }
  async function run(target: Target) {
    const loop = simulatedLoop(watched, { fetch, routes: routesTo(target) })
    loops.push(loop)
    await loop.start()
    return loop
  }
  const pass = (ms: number) => passTime(sleep(ms), [watched])
  const deliveries = () =>
    store.db.selectFrom('deliveries').selectAll().orderBy('created_at').orderBy('id').execute()
  const taken = () => sent.filter((one) => one.status === 200).map(({ says }) => says)

  it.each([
    ['PagerDuty', pagerduty, ['trigger', 'resolve']],
    ['Slack', slack, ['Alert', 'Recovered']],
  ])(
    'reach %s in their order, also where the first try of the first fails',
    async (_target, target, order) => {
      let isDown = true
      answer = () => (isDown ? 500 : 200)
      await run(target)
      await monitorWebhook('ALERT', -10)
      await pass(500)
      isDown = false
      await monitorWebhook('OK', -5)
      await pass(500)
      expect((await deliveries())[1]).toMatchObject({
        status: 'queued',
        attempt: 0,
        reason: 'Waits for the delivery before it of the same incident',
      })
      await pass(10_000)
      expect(sent.map(({ says, status: code }) => `${says} ${code}`)).toEqual([
        `${order[0]} 500`,
        `${order[0]} 200`,
        `${order[1]} 200`,
      ])
      // The second waits for the first, but no longer.
      expect(sent.map(({ at }) => Math.round(at / 1000))).toEqual([0, 2, 2])
      expect((await deliveries()).map((row) => [row.status, row.reason])).toEqual([
        ['delivered', null],
        ['delivered', null],
      ])
    },
  )

  it('stay in order if the answer to the first is lost', async () => {
    let tries = 0
    answer = () => (tries++ === 0 ? 'lost' : 200)
    await run(pagerduty)
    await monitorWebhook('ALERT', -10)
    await monitorWebhook('OK', -5)
    await pass(10_000)
    expect(taken()).toEqual(['trigger', 'resolve'])
  })

  it('of different monitors do not wait for each other', async () => {
    answer = () => (sent.length === 0 ? 500 : 200)
    await run(pagerduty)
    await monitorWebhook('ALERT', -10, 'm1')
    await pass(100)
    await monitorWebhook('OK', -5, 'm2')
    await pass(500)
    expect(taken()).toEqual(['resolve'])
  })

  it('are not held up for ever by one that is never accepted, which is then skipped, with the reason', async () => {
    answer = (says) => (says === 'trigger' ? 500 : 200)
    await run(pagerduty)
    await monitorWebhook('ALERT', -10)
    await monitorWebhook('OK', -5)
    await pass(5 * minute)
    expect(taken()).toEqual(['resolve'])
    answer = () => 200
    await pass(30 * minute)
    expect(taken()).toEqual(['resolve'])
    const [alert, recovery] = await deliveries()
    expect(recovery?.status).toBe('delivered')
    expect(alert).toMatchObject({ status: 'skipped', next_at: null })
    expect(alert?.reason).toMatch(/^Not sent: its end was delivered there at 2026-08-21T09:\d\d:\d\dZ, and/)
  })

  it('stay in the order of the events if the webhook of the first arrives late', async () => {
    await run(pagerduty)
    await monitorWebhook('OK', -5)
    await pass(1000)
    await monitorWebhook('ALERT', -10)
    await pass(10_000)
    expect(taken()).toEqual(['resolve'])
    expect((await deliveries()).map((row) => row.status)).toEqual(['delivered', 'skipped'])
  })

  it('may be followed by the next alert, which a late recovery of the previous one does not end', async () => {
    let isDown = false
    answer = (says) => (says === 'resolve' && isDown ? 500 : 200)
    await run(pagerduty)
    await monitorWebhook('ALERT', -30)
    await pass(1000)
    isDown = true
    await monitorWebhook('OK', -20)
    await pass(100)
    await monitorWebhook('ALERT', -10)
    await pass(5 * minute)
    expect(taken()).toEqual(['trigger', 'trigger'])
    isDown = false
    await pass(30 * minute)
    expect(taken()).toEqual(['trigger', 'trigger'])
    expect((await deliveries()).map((row) => row.status)).toEqual(['delivered', 'skipped', 'delivered'])
  })

  it('stay in order across a crash, and with several instances', async () => {
    answer = () => 'lost'
    const dead = await run(pagerduty)
    await monitorWebhook('ALERT', -10)
    await pass(500)
    await passTime(dead.stop(), [watched])
    answer = () => 200
    await monitorWebhook('OK', -5)
    // As a worker that died while sending leaves it.
    await store.db
      .updateTable('deliveries')
      .set({ status: 'sending', next_at: Date.now() + minute, attempt: 2 })
      .execute()
    await run(pagerduty)
    await run(pagerduty)
    await pass(59_000)
    expect(taken()).toEqual([])
    await pass(10_000)
    expect(taken()).toEqual(['trigger', 'resolve'])
  })

  describe('are replayed', () => {
    const deps = (target: Target) => ({ db: watched.db, routes: routesTo(target), now: Date.now })
    async function both(target: Target) {
      await run(target)
      await monitorWebhook('ALERT', -10)
      await pass(1000)
      await monitorWebhook('OK', -5)
      await pass(1000)
      const [alert, recovery] = await deliveries()
      if (!alert || !recovery) throw new Error('They were not delivered')
      return { alert, recovery }
    }

    it('except where that would reopen an incident that is over, with the reason', async () => {
      const { alert, recovery } = await both(pagerduty)
      const why = expect.stringMatching(/^Not sent again: its end was delivered there at .* open it again\.$/)
      expect(await passTime(replayDelivery(watched.db, alert.id, Date.now()), [watched])).toEqual({
        ok: false,
        message: why,
        isOver: true,
      })
      for (const mode of ['as-it-was', 'todays-rules'] as const)
        expect(await passTime(replayChange(deps(pagerduty), alert.change_id, mode), [watched])).toEqual({
          queued: [],
          left: [{ target: 'there', why, isOver: true }],
        })
      expect(await passTime(replayDelivery(watched.db, recovery.id, Date.now()), [watched])).toEqual({
        ok: true,
      })
      await pass(5000)
      expect(taken()).toEqual(['trigger', 'resolve', 'resolve'])
    })

    it('if it is the newest of its incident, and in order if neither arrived', async () => {
      const { alert, recovery } = await both(pagerduty)
      await store.db.updateTable('deliveries').set({ status: 'failed' }).execute()
      for (const { id } of [recovery, alert])
        expect(await passTime(replayDelivery(watched.db, id, Date.now()), [watched])).toEqual({ ok: true })
      await pass(5000)
      expect(taken().slice(2)).toEqual(['trigger', 'resolve'])
    })
  })
})
