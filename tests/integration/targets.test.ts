import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import type { Target } from '#lib/core/rules/target-settings.ts'
import { replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { pagerdutyKey, startPagerdutyStandIn } from '../mocks/pagerduty.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { startWebhookStandIn, webhookSecret } from '../mocks/webhook.ts'
import { queueChanges, simulatedLoop, type WatchedStore, watchStore } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const alert: Fact = { kind: 'alert', severity: 'ALERT', monitorId: 'm1' }

describe.each(engines)('what a target can recognise, on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  let standIns: StandIn[] = []
  const started = <T extends StandIn>(standIn: T): T => {
    standIns.push(standIn)
    return standIn
  }

  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
  })
  afterEach(async () => {
    await Promise.all(standIns.map((standIn) => standIn.close()))
    standIns = []
    await watched.db.destroy()
    await store.close()
  })

  /** Sends what is due, and retries each failure at once. */
  async function drain(target: Target): Promise<void> {
    const targets = { there: { ...target, retryDelays: [0, 0, 0, 0] } }
    const loop = simulatedLoop(watched, { fetch, routes: { targets, rules: [], alertTargets: [] } })
    await loop.drain(Date.now() + 5000)
    expect(loop.errors).toEqual([])
  }

  /** The answer is lost once, then arrives; then someone presses Replay. */
  async function deliverAndReplay(target: Target, standIn: StandIn, fact: Fact): Promise<string> {
    const [delivery] = await queueChanges(store.db, 1, ['there'], { fact: JSON.stringify(fact) })
    const id = delivery?.id ?? ''
    let lost = 0
    standIn.answerWith((_, response) => {
      if (lost++ === 0) response.socket?.destroy()
      else response.writeHead(target.type === 'pagerduty' ? 202 : 204).end()
      return 'by hand'
    })
    await drain(target)
    expect(await replayDelivery(store.db, id, Date.now())).toEqual({ ok: true })
    await drain(target)
    const row = await store.db.selectFrom('deliveries').select('status').executeTakeFirst()
    expect(row?.status).toBe('delivered')
    expect(standIn.seen).toHaveLength(3)
    return id
  }

  it('is the webhook-id of a delivery: the same after a lost answer and in a replay', async () => {
    const standIn = started(await startWebhookStandIn())
    const target: Target = {
      type: 'webhook',
      url: standIn.url,
      secrets: [webhookSecret],
      allowPrivate: true,
    }
    const id = await deliverAndReplay(target, standIn, alert)
    expect(standIn.seen.map(({ headers }) => headers['webhook-id'])).toEqual([id, id, id])
  })

  it.each<[string, Fact]>([
    ['an alert', alert],
    ['a trouble', { kind: 'given-up', target: 'slack', count: 1 }],
  ])(
    "is the key of PagerDuty's incident of %s: the same after a lost answer and in a replay",
    async (_, fact) => {
      const standIn = started(await startPagerdutyStandIn())
      const target: Target = { type: 'pagerduty', routingKey: pagerdutyKey, eventsUrl: standIn.url }
      await deliverAndReplay(target, standIn, fact)
      const keys = standIn.seen.map(({ body }) => (body as { dedup_key?: string }).dedup_key)
      expect(keys[0]).toMatch(/^(langfuse-alert:p1:m1|prompt-relay:chg_\w+)$/)
      expect(keys).toEqual([keys[0], keys[0], keys[0]])
    },
  )

  it('includes no secret in a stored attempt', async () => {
    const standIn = started(await startPagerdutyStandIn())
    standIn.answerWith(({ body }) => ({ status: 400, body: JSON.stringify(body) }))
    await queueChanges(store.db, 1, ['there'])
    await drain({ type: 'pagerduty', routingKey: pagerdutyKey, eventsUrl: standIn.url })
    const attempts = await store.db.selectFrom('attempts').selectAll().execute()
    expect(attempts).toHaveLength(1)
    expect(attempts[0]).toMatchObject({ outcome: 'failed', status_code: 400 })
    const stored = JSON.stringify([attempts, await store.db.selectFrom('deliveries').selectAll().execute()])
    expect(stored).not.toContain(pagerdutyKey)
  })
})
