import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ChangeDetail, emptyDetail, type Fact } from '#lib/core/change/change.ts'
import { emptyFilter } from '#lib/core/list/filter.ts'
import type { Routes, Rule } from '#lib/core/rules/rules.ts'
import type { Target } from '#lib/core/rules/target-settings.ts'
import { replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { writeSettlement } from '#lib/pipeline/settle/write-settlement.ts'
import { countFiltered } from '#lib/store/search/list.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { deleteChanges } from '#lib/store/tables/prune.ts'
import { pagerdutyKey } from '../mocks/pagerduty.ts'
import { webhookSecret } from '../mocks/webhook.ts'
import {
  fetchDouble,
  ok,
  passTime,
  type Reply,
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

const minute = 60_000
const promoted: Fact = { kind: 'promoted', label: 'production', from: 6, to: 7 }

const slack: Target = { type: 'slack', url: slackUrl('slack') }
const webhook: Target = {
  type: 'webhook',
  url: 'http://127.0.0.1:9/hook',
  secrets: [webhookSecret],
  allowPrivate: true,
}
const github: Target = {
  type: 'github',
  repo: 'acme/prompts',
  token: 'standInToken0123456789',
  apiUrl: 'https://api.github.test',
  eventType: 'prompt-updated',
}
const pagerduty: Target = {
  type: 'pagerduty',
  routingKey: pagerdutyKey,
  eventsUrl: 'https://events.pagerduty.test',
}

interface Settled {
  count: number
  /** Ordinary, not found by a comparison. */
  isOrdinary?: boolean
  danger?: boolean
  subject?: string
}

describe.each(engines)('what a comparison with Langfuse finds at once, on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  const opened: WatchedStore[] = []

  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    opened.push(watched)
    simulateTime()
  })
  afterEach(async () => {
    vi.useRealTimers()
    for (const { db } of opened.splice(0)) await db.destroy()
    await store.close()
  })

  const rule = (over: Partial<Rule> = {}): Rule => ({ name: 'all', to: ['there'], ...over })
  const routesTo = (there: Target, rules: Rule[] = [rule()]): Routes => ({
    targets: { there },
    rules,
    alertTargets: [],
  })

  /** Settles changes of prompts as settling does, now. Returns their ids. */
  async function settle(
    routes: Routes,
    { count, isOrdinary = false, danger = false, subject }: Settled,
  ): Promise<string[]> {
    const now = Date.now()
    const ids: string[] = []
    for (let i = 0; i < count; i++) {
      const named = subject ?? `prompt-${i}`
      const row = newChange({ now, kind: 'promoted', projectId: 'p1', subject: named })
      await watched.db.insertInto('changes').values(row).execute()
      const detail: ChangeDetail = {
        ...emptyDetail,
        facts: [promoted],
        prompt: {
          version: 7,
          labels: ['production'],
          labelsBefore: null,
          tags: [],
          promptType: 'text',
          commitMessage: null,
          createdBy: null,
          eventId: null,
        },
        ...(isOrdinary ? {} : { reconciled: { from: now - minute, to: now } }),
      }
      const interpretation = {
        kind: 'promoted' as const,
        title: `${named} v7 was promoted to production`,
        danger,
        actor: null,
        version: 7,
        detail,
      }
      const settlement = { row, interpretation, events: [], parsed: [] }
      await writeSettlement(watched.db, settlement, { routes, now, afterCommit: () => {} })
      ids.push(row.id)
    }
    return ids
  }

  const deliveries = () => store.db.selectFrom('deliveries').selectAll().orderBy('id').execute()
  const statuses = async () => {
    const rows = await deliveries()
    const byStatus = Map.groupBy(rows, (row) => row.status)
    return Object.fromEntries([...byStatus].map(([name, some]) => [name, some.length]))
  }

  async function run(routes: Routes, ms: number, reply: () => Reply = ok) {
    const { fetch, calls } = fetchDouble(reply)
    const bodies: string[] = []
    const noting: typeof globalThis.fetch = (input, init) => {
      bodies.push(String(init?.body))
      return fetch(input, init)
    }
    const loop = simulatedLoop(watched, { fetch: noting, routes })
    await passTime(loop.drain(Date.now() + ms), [watched])
    await loop.stop()
    expect(loop.errors).toEqual([])
    return { calls, bodies, times: calls.map(({ at }) => at) }
  }

  it.each([1, 10])('%i are sent one by one, at the end of the minute', async (count) => {
    const routes = routesTo(slack)
    await settle(routes, { count })
    const { times, bodies } = await run(routes, 2 * minute)
    expect(times).toEqual(Array(count).fill(minute))
    expect(bodies[0]).not.toContain('changes, found')
    expect(await statuses()).toEqual({ delivered: count })
  })

  it('while they wait, their deliveries say what for', async () => {
    await settle(routesTo(slack), { count: 1 })
    expect((await deliveries())[0]).toMatchObject({
      status: 'queued',
      next_at: start + minute,
      reason: 'Waits up to a minute for what else the comparison with Langfuse finds',
    })
  })

  it('eleven are one message, and what webhooks reported meanwhile stays alone and is not delayed', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 11 })
    const [ordinary] = await settle(routes, { count: 1, isOrdinary: true })
    const { times, bodies, calls } = await run(routes, 2 * minute)
    expect(times).toEqual([0, minute])
    expect(calls[0]?.changes).toEqual([ordinary])
    expect(bodies[1]).toContain('11 changes, found by comparing with Langfuse; no webhook came')
    expect(bodies[1]).toContain('https://relay.test/?q=reconciled')
    expect(await statuses()).toEqual({ delivered: 12 })
  })

  it('the list that the message leads to holds them', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 2 })
    await settle(routes, { count: 1, isOrdinary: true })
    const filter = { ...emptyFilter, q: 'reconciled' }
    expect((await countFiltered(store.db, { filter, now: Date.now() })).count).toBe(2)
  })

  it('go to a paced target as one message too, without delaying others beyond the pace', async () => {
    const routes = routesTo({ ...slack, perSecond: 1 })
    await settle(routes, { count: 15 })
    await passTime(sleep(minute), [watched])
    await settle(routes, { count: 2, isOrdinary: true })
    const { times, bodies } = await run(routes, minute)
    expect(times).toEqual([0, 1000, 2000].map((at) => minute + at))
    expect(bodies.filter((body) => body.includes('15 changes, found'))).toHaveLength(1)
    expect(await statuses()).toEqual({ delivered: 17 })
  })

  it('hundreds are as few messages as may be, with the dangerous ones first', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 600 })
    await settle(routes, { count: 1, danger: true, subject: 'checkout' })
    const { bodies } = await run(routes, 2 * minute)
    expect(bodies).toHaveLength(2)
    expect(bodies[0]).toContain('500 changes, found')
    expect(bodies[0]).toContain('… and 480 more')
    expect(bodies[1]).toContain('101 changes, found')
    expect(bodies[1]?.match(/checkout|prompt-\d+/g)?.[0]).toBe('checkout')
    expect(await statuses()).toEqual({ delivered: 601 })
    const attempts = await store.db.selectFrom('attempts').select('request').execute()
    expect(attempts).toHaveLength(601)
    expect(attempts.filter(({ request }) => request?.startsWith('The message of dlv_'))).toHaveLength(599)
  })

  it('a refused storm is tried again as one message, and nothing is lost', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 40 })
    const replies = [status(500), status(429, { 'retry-after': '30' }), status(503), ok()]
    const { times, bodies } = await run(routes, 60 * minute, () => replies.shift() ?? ok())
    expect(bodies).toHaveLength(4)
    expect(bodies.every((body) => body.includes('40 changes, found'))).toBe(true)
    expect(times.every((at) => at % minute === 0)).toBe(true)
    expect(await statuses()).toEqual({ delivered: 40 })
  })

  it('a storm that is refused for good ends with the reason at each delivery', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 12 })
    const { bodies } = await run(routes, 2 * minute, () => status(404, {}, 'no_service'))
    expect(bodies).toHaveLength(1)
    const rows = await deliveries()
    expect(rows.every((row) => row.status === 'failed' && row.reason?.includes('no_service'))).toBe(true)
    expect(rows).toHaveLength(12)
  })

  it('an open circuit is probed by one message, which holds them all', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 5, isOrdinary: true })
    await run(routes, 1000, () => status(500))
    await settle(routes, { count: 30 })
    let isDown = true
    const { bodies } = await run(routes, 20 * minute, () => (isDown ? status(500) : ok()))
    expect(bodies.length).toBeGreaterThan(0)
    isDown = false
    await run(routes, 24 * 60 * minute)
    expect(await statuses()).toEqual({ delivered: 35 })
  })

  it('two instances send none of it twice', async () => {
    const routes = routesTo(slack)
    const ids = await settle(routes, { count: 60 })
    const { fetch, calls } = fetchDouble(ok)
    const other = store.url.startsWith('file:') ? watched : watchStore(store.url)
    if (other !== watched) opened.push(other)
    const loops = [watched, other].map((one) => simulatedLoop(one, { fetch, routes }))
    const until = Date.now() + 3 * minute
    await passTime(Promise.all(loops.map((loop) => loop.drain(until))), [watched, other])
    await Promise.all(loops.map((loop) => loop.stop()))
    expect(calls).toHaveLength(1)
    expect(calls[0]?.changes.every((id) => ids.includes(id))).toBe(true)
    expect(await statuses()).toEqual({ delivered: 60 })
  })

  it('signed webhooks get each, ten a second, and other changes in between at once', async () => {
    const routes = routesTo(webhook)
    const ids = await settle(routes, { count: 45 })
    const { fetch, calls } = fetchDouble(ok)
    const loop = simulatedLoop(watched, { fetch, routes })
    const drained = loop.drain(Date.now() + minute)
    const meanwhile = (async () => {
      await sleep(1500)
      const [id] = await settle(routes, { count: 1, isOrdinary: true })
      loop.checkAll()
      loop.wake()
      await loop.drain(Date.now() + 100)
      return id
    })()
    await passTime(Promise.all([drained, meanwhile]), [watched])
    await loop.stop()
    const ordinary = await meanwhile
    const byTime = Map.groupBy(
      calls.filter(({ changes }) => changes[0] !== ordinary),
      ({ at }) => at,
    )
    expect([...byTime].map(([at, some]) => [at, some.length])).toEqual([
      [0, 10],
      [1000, 10],
      [2000, 10],
      [3000, 10],
      [4000, 5],
    ])
    expect(calls.find(({ changes }) => changes[0] === ordinary)?.at).toBe(1500)
    expect(new Set(calls.flatMap(({ changes }) => changes))).toEqual(new Set([...ids, ordinary]))
    expect(await statuses()).toEqual({ delivered: 46 })
  })

  it.each([4, 7])(
    'signed webhooks get ten a second also where they are found %i at a time',
    async (count) => {
      const routes = routesTo(webhook)
      const ids: string[] = []
      const times: number[] = []
      for (let i = 0; i < 28; i += count) {
        ids.push(...(await settle(routes, { count })))
        // Another instance each time.
        times.push(...(await run(routes, 50)).times)
      }
      times.push(...(await run(routes, minute)).times)
      const seconds = Map.groupBy(times, (at) => Math.floor(at / 1000))
      expect([...seconds].map(([second, some]) => [second, some.length])).toEqual([
        [0, 10],
        [1, 10],
        [2, 8],
      ])
      expect(await statuses()).toEqual({ delivered: ids.length })
    },
  )

  it('signed webhooks get each in time, whatever a wrong clock wrote before', async () => {
    const routes = routesTo(webhook)
    await settle(routes, { count: 1 })
    const ahead = Date.now() + 365 * 24 * 60 * minute
    await watched.db.updateTable('deliveries').set({ next_at: ahead }).execute()
    await settle(routes, { count: 25 })
    const { times } = await run(routes, minute)
    expect(times).toHaveLength(25)
    expect(Math.max(...times)).toBeLessThanOrEqual(2000)
  })

  it("a webhook's own pace holds in a storm as well", async () => {
    const routes = routesTo({ ...webhook, perSecond: 2 })
    await settle(routes, { count: 12 })
    const { times } = await run(routes, minute)
    expect(times.length).toBe(12)
    for (const at of times) expect(times.filter((one) => one >= at && one < at + 1000).length).toBeLessThan(3)
  })

  it('a pipeline gets the newest state of each prompt, and the others say why not', async () => {
    const routes = routesTo(github)
    const ids = [
      ...(await settle(routes, { count: 3, subject: 'a' })),
      ...(await settle(routes, { count: 1, subject: 'b' })),
    ]
    const { calls } = await run(routes, 2 * minute, () => new Response(null, { status: 204 }))
    expect(calls.flatMap(({ changes }) => changes).toSorted()).toEqual([ids[2], ids[3]])
    const rows = await deliveries()
    expect(rows.map((row) => row.status)).toEqual(['skipped', 'skipped', 'delivered', 'delivered'])
    expect(await replayDelivery(store.db, rows[2]?.id ?? '', Date.now())).toEqual({ ok: true })
    await settle(routes, { count: 1, subject: 'a' })
    const again = await run(routes, 2 * minute, () => new Response(null, { status: 204 }))
    expect(again.calls[0]?.changes).toEqual([ids[2]])
    expect(again.calls).toHaveLength(2)
    expect(rows[0]?.reason).toBe(
      `Not sent: a comparison with Langfuse found a later change of this prompt, ${ids[2]}, which is`,
    )
  })

  it('a pipeline gets it also where more are found than are claimed at once, or while they wait their turn', async () => {
    const routes = routesTo(github, [rule({ on: ['promoted'] })])
    await settle(routes, { count: 510 })
    const newest = await settle(routes, { count: 3 })
    await passTime(sleep(minute), [watched])
    await run(routes, 2 * minute, () => new Response(null, { status: 204 }))
    const later = await settle(routes, { count: 1, subject: 'prompt-509' })
    await run(routes, 20 * minute, () => new Response(null, { status: 204 }))
    const byStatus = Map.groupBy(await deliveries(), (row) => row.status)
    expect(byStatus.get('delivered')).toHaveLength(510)
    expect(byStatus.get('skipped')).toHaveLength(4)
    const sent = new Set(byStatus.get('delivered')?.map((row) => row.change_id))
    expect([...newest, ...later].every((id) => sent.has(id))).toBe(true)
    // 500 dispatches, one after the other.
  }, 120_000)

  it('a pipeline gets a storm only by rules that name its kind, once a second', async () => {
    const rules = [
      rule({ name: 'named', on: ['promoted'], prompt: 'prompt-1*' }),
      rule({ name: 'anything', prompt: 'prompt-*' }),
    ]
    const routes = routesTo(github, rules)
    await settle(routes, { count: 20 })
    const { times, calls } = await run(routes, 3 * minute, () => new Response(null, { status: 204 }))
    // prompt-1, prompt-10 to prompt-19.
    expect(calls).toHaveLength(11)
    expect(times.map((at) => at - minute)).toEqual(Array.from({ length: 11 }, (_, i) => i * 1000))
    const skipped = (await deliveries()).filter((row) => row.status === 'skipped')
    expect(skipped).toHaveLength(9)
    expect(skipped[0]?.reason).toBe(
      'Not sent: a comparison with Langfuse found many changes at once, and the rule "anything" names no kinds in on',
    )
  })

  it('PagerDuty gets one incident in all, and one for each change with danger, at once', async () => {
    const routes = routesTo(pagerduty)
    await settle(routes, { count: 12 })
    await settle(routes, { count: 1, danger: true, subject: 'checkout' })
    const { bodies, times } = await run(routes, 2 * minute, () =>
      Response.json({ status: 'success' }, { status: 202 }),
    )
    expect(times).toEqual([0, minute])
    const events = bodies.map((body) => JSON.parse(body))
    expect(events.map(({ event_action, dedup_key }) => [event_action, dedup_key])).toEqual([
      ['trigger', 'langfuse-label:["p1","checkout","production"]'],
      ['trigger', 'prompt-relay:reconciled:p1:2026-08-21'],
    ])
    expect(events[1].payload).toMatchObject({ severity: 'warning', class: 'reconciled' })
    expect(await statuses()).toEqual({ delivered: 13 })
  })

  it('in a dry run nothing is sent, and each delivery says so', async () => {
    const routes = routesTo(slack)
    await settle(routes, { count: 30 })
    const { fetch, calls } = fetchDouble(ok)
    const loop = simulatedLoop(watched, { fetch, routes, isDry: true })
    await passTime(loop.drain(Date.now() + 2 * minute), [watched])
    await loop.stop()
    expect(calls).toEqual([])
    expect(await statuses()).toEqual({ 'dry-run': 30 })
  })

  it('leaves nothing behind when their changes are deleted', async () => {
    const ids = await settle(routesTo(slack), { count: 3 })
    const marked = () => store.db.selectFrom('gathered_deliveries').selectAll().execute()
    expect(await marked()).toHaveLength(3)
    await deleteChanges(store.db, ids)
    expect(await marked()).toEqual([])
  })
})
