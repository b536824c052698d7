import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Routes } from '#lib/core/rules/rules.ts'
import { readHealth } from '#lib/store/views/health.ts'
import {
  type Call,
  fetchDouble,
  ok,
  passTime,
  queueChanges,
  type Reply,
  simulatedLoop,
  simulateTime,
  slackTargets,
  slackUrl,
  sleep,
  start,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const day = 86_400_000
const seconds = (...times: number[]) => times.map((time) => time * 1000)

describe.each(engines)('delivery on %s', (_, openStore) => {
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

  /**
   * The store as another instance has it open. Two SQLite handles of one process would wait for each other
   * and block the event loop, which two processes never do.
   */
  function otherInstance(): WatchedStore {
    if (store.url.startsWith('file:')) return watched
    const other = watchStore(store.url)
    opened.push(other)
    return other
  }

  const routesTo = (targets: Routes['targets']): Routes => ({
    targets,
    rules: [],
    alertTargets: [],
  })
  const deliveries = () => store.db.selectFrom('deliveries').selectAll().orderBy('id').execute()
  const attempts = () =>
    store.db.selectFrom('attempts').selectAll().orderBy('delivery_id').orderBy('number').execute()
  const circuit = async (name: string) =>
    store.db.selectFrom('targets').selectAll().where('name', '=', name).executeTakeFirstOrThrow()
  const timesOf = (calls: Call[], name = 'slack') =>
    calls.filter(({ url }) => url === slackUrl(name)).map(({ at }) => at)

  /** Delivers everything that is due in the next `ms`. */
  async function drain(reply: (call: Call) => Reply | Promise<Reply>, routes: Routes, ms = 10 * day) {
    const { fetch, calls } = fetchDouble(reply)
    const loop = simulatedLoop(watched, { fetch, routes })
    await passTime(loop.drain(Date.now() + ms), [watched])
    await loop.stop()
    expect(loop.errors).toEqual([])
    return calls
  }

  describe('retrying', () => {
    it('tries thirteen times over three days, at the times of the schedule, and gives up', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const calls = await drain(() => status(500), routesTo(slackTargets('slack')))
      const waits = [0, 5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 86_400]
      expect(timesOf(calls)).toEqual(
        seconds(...waits.map((__, i) => waits.slice(0, i + 1).reduce((a, b) => a + b))),
      )
      const [row] = await deliveries()
      expect(row).toMatchObject({ status: 'failed', failures: 13, attempt: 13, next_at: null })
      expect(row?.reason).toBe('Given up after 13 attempts. Slack answered 500')
      expect((await attempts()).map(({ outcome, status_code }) => [outcome, status_code])).toEqual(
        waits.map(() => ['retry', 500]),
      )
    })

    it("uses the target's own schedule", async () => {
      await queueChanges(store.db, 1, ['slack'])
      const target = { type: 'slack' as const, url: slackUrl('slack'), retryDelays: [0, 1, 2] }
      expect(timesOf(await drain(() => status(500), routesTo({ slack: target })))).toEqual(seconds(0, 1, 3))
      expect((await deliveries())[0]?.status).toBe('failed')
    })

    it('takes the later of the schedule and Retry-After', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const replies = [status(503, { 'retry-after': '90' }), status(503, { 'retry-after': '2' }), ok()]
      const calls = await drain(() => replies.shift() ?? ok(), routesTo(slackTargets('slack')))
      expect(timesOf(calls)).toEqual(seconds(0, 90, 120))
      expect((await deliveries())[0]).toMatchObject({ status: 'delivered', failures: 2 })
    })

    it('does not retry if that cannot help, and keeps the reason', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const calls = await drain(() => status(404, {}, 'no_service'), routesTo(slackTargets('slack')))
      expect(calls).toHaveLength(1)
      const [row] = await deliveries()
      expect(row).toMatchObject({ status: 'failed', failures: 1, next_at: null })
      expect(row?.reason).toContain('no_service')
    })

    it('retries after a hanging target has used up its ten seconds', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const replies: Reply[] = ['hang', ok()]
      const calls = await drain(() => replies.shift() ?? ok(), routesTo(slackTargets('slack')))
      expect(timesOf(calls)).toEqual(seconds(0, 15))
      expect((await attempts())[0]).toMatchObject({ duration_ms: 10_000, outcome: 'retry' })
    })

    it('records a bug in building a message on its delivery, and still sends the others', async () => {
      const target = { type: 'slack' as const, url: slackUrl('slack'), perSecond: 1, retryDelays: [0, 5] }
      await queueChanges(store.db, 6, ['slack'])
      await queueChanges(store.db, 6, ['slack'], { fact: 'no JSON' })
      await drain(ok, routesTo({ slack: target }))
      const rows = await deliveries()
      expect(rows.map((row) => row.status)).toEqual([
        ...Array(6).fill('delivered'),
        ...Array(6).fill('failed'),
      ])
      expect(rows.at(-1)?.reason).toMatch(/Given up after 2 attempts. The relay could not make the message/)
      expect(await circuit('slack')).toMatchObject({ failures: 0, open_until: null })
    })
  })

  describe('a rate limit', () => {
    it('holds the whole target until its time is over, and does not count as a failure', async () => {
      await queueChanges(store.db, 3, ['slack', 'other'])
      const paced = { type: 'slack' as const, url: slackUrl('slack'), perSecond: 1 }
      const replies = [status(429, { 'retry-after': '60' })]
      const calls = await drain(
        ({ url }) => (url === slackUrl('slack') ? (replies.shift() ?? ok()) : ok()),
        routesTo({ slack: paced, ...slackTargets('other') }),
      )
      expect(timesOf(calls)).toEqual(seconds(0, 60, 61, 62))
      expect(timesOf(calls, 'other')).toEqual(seconds(0, 0, 0))
      expect((await deliveries()).map((row) => [row.status, row.failures])).toEqual(
        Array(6).fill(['delivered', 0]),
      )
    })

    const past = new Date(start - 60_000).toUTCString()
    const spellings = [
      undefined,
      '0',
      '1',
      '30.5',
      '30s',
      '99999999999',
      '2026-08-21T09:00:30Z',
      '30, 30',
      past,
      '',
      'soon',
    ]
    // The spelling does not matter to the store, so Postgres, which is slower, is tested with one of each kind.
    it.each(process.env.TEST_POSTGRES_URL ? [undefined, '1'] : spellings)(
      'is probed by one delivery at growing intervals if Retry-After is %j, and finally becomes a trouble',
      async (retryAfter) => {
        await queueChanges(store.db, 40, ['slack'])
        const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
        const { fetch, calls } = fetchDouble(({ url }) =>
          url === slackUrl('slack') ? status(429, headers) : ok(),
        )
        const routes = { ...routesTo(slackTargets('slack', 'other')), alertTargets: ['other'] }
        const loop = simulatedLoop(watched, { fetch, routes, watch: { quietMs: 0 } })
        await loop.start()
        await passTime(sleep(20 * 60_000), [watched])
        await loop.stop()
        expect(loop.errors).toEqual([])
        const times = timesOf(calls)
        expect(times.filter((at) => at === 0)).toHaveLength(40)
        expect(times.filter((at) => at < 60_000).length).toBeLessThanOrEqual(60)
        const probes = times.filter((at) => at > 0)
        expect(new Set(probes).size).toBe(probes.length)
        expect(probes.length).toBeLessThan(20)
        const rows = (await deliveries()).filter(({ target }) => target === 'slack')
        expect(rows.map((row) => [row.status, row.failures])).toEqual(Array(40).fill(['retrying', 0]))
        expect(timesOf(calls, 'other')).toHaveLength(1)
        const own = await store.db
          .selectFrom('changes')
          .select('title')
          .where('kind', '=', 'trouble')
          .execute()
        expect(own).toEqual([{ title: 'slack keeps failing' }])
        expect((await readHealth(store.db, Date.now())).troubles).toMatchObject([
          { what: 'target', target: 'slack' },
        ])
      },
    )

    it('releases them a few at a time when it is over, and says so', async () => {
      await queueChanges(store.db, 40, ['slack'])
      let isLimited = true
      let underWay = 0
      const max: number[] = []
      const { fetch, calls } = fetchDouble(async () => {
        if (isLimited) return status(429)
        max.push(++underWay)
        await sleep(100)
        underWay--
        return ok()
      })
      const loop = simulatedLoop(watched, { fetch, routes: routesTo(slackTargets('slack')) })
      await loop.start()
      await passTime(sleep(1000), [watched])
      isLimited = false
      await passTime(sleep(60_000), [watched])
      await loop.stop()
      expect(calls).toHaveLength(80)
      expect(max.slice(0, 3)).toEqual([1, 1, 2])
      // One, two, four, eight, sixteen at a time.
      expect(Math.max(...max)).toBeLessThanOrEqual(20)
      expect((await deliveries()).every((row) => row.status === 'delivered')).toBe(true)
    })

    it('is probed by one delivery for all instances', async () => {
      await queueChanges(store.db, 40, ['slack'])
      let isLimited = true
      const { fetch, calls } = fetchDouble(() => (isLimited ? status(429) : 'hang'))
      const other = otherInstance()
      const loops = [watched, other].map((one) =>
        simulatedLoop(one, { fetch, routes: routesTo(slackTargets('slack')) }),
      )
      await Promise.all(loops.map((loop) => loop.start()))
      await passTime(sleep(1000), [watched, other])
      const before = calls.length
      isLimited = false
      await passTime(sleep(12_000), [watched, other])
      expect(calls.length - before).toBe(1)
      await passTime(Promise.all(loops.map((loop) => loop.stop())), [watched, other])
    })

    it('holds it for at most two hours, whatever the target asks for', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const replies = [status(429, { 'retry-after': '99999999' })]
      const calls = await drain(() => replies.shift() ?? ok(), routesTo(slackTargets('slack')))
      expect(timesOf(calls)).toEqual(seconds(0, 7200))
    })
  })

  describe('the circuit of a target', () => {
    it('opens after five failures in a row; other targets continue, and after 30 s one delivery is let through', async () => {
      await queueChanges(store.db, 5, ['slack'])
      let isDown = true
      const calls = await drain(
        ({ url }) => (isDown && url === slackUrl('slack') ? status(500) : ok()),
        routesTo(slackTargets('slack', 'other')),
        1000,
      )
      expect(calls).toHaveLength(5)
      expect((await circuit('slack')).open_until).toBe(start + 30_000)
      await queueChanges(store.db, 4, ['slack', 'other'])
      const held = await drain(
        ({ url }) => (isDown && url === slackUrl('slack') ? status(500) : ok()),
        routesTo(slackTargets('slack', 'other')),
        31_000,
      )
      expect(timesOf(held, 'other')).toHaveLength(4)
      expect(timesOf(held)).toEqual(seconds(30))
      // Only the delivery that was let through has used up an attempt.
      const waiting = (await deliveries()).filter(
        ({ target, failures }) => target === 'slack' && failures === 0,
      )
      expect(waiting).toHaveLength(3)
      isDown = false
      const after = await drain(ok, routesTo(slackTargets('slack', 'other')))
      expect(timesOf(after)[0]).toBe(90_000)
      expect((await deliveries()).every((row) => row.status === 'delivered')).toBe(true)
      expect(await circuit('slack')).toMatchObject({ failures: 0, open_until: null, opened: 0 })
    })

    it('counts a failed message with many changes as one failure', async () => {
      await queueChanges(store.db, 15, ['slack'])
      const paced = { type: 'slack' as const, url: slackUrl('slack'), perSecond: 1 }
      await drain(() => status(500), routesTo({ slack: paced }), 1000)
      expect(await circuit('slack')).toMatchObject({ failures: 1, open_until: null })
      expect((await deliveries()).map(({ failures }) => failures)).toEqual(Array(15).fill(1))
    })
  })

  describe('pace', () => {
    it('keeps to one message a second across two instances', async () => {
      await queueChanges(store.db, 10, ['slack'])
      const { fetch, calls } = fetchDouble(ok)
      const routes = routesTo({ slack: { type: 'slack', url: slackUrl('slack'), perSecond: 1 } })
      const other = otherInstance()
      const loops = [watched, other].map((one) => simulatedLoop(one, { fetch, routes }))
      await passTime(Promise.all(loops.map((loop) => loop.drain(Date.now() + day))), [watched, other])
      await Promise.all(loops.map((loop) => loop.stop()))
      expect(timesOf(calls)).toEqual(seconds(0, 1, 2, 3, 4, 5, 6, 7, 8, 9))
      expect((await deliveries()).every((row) => row.status === 'delivered')).toBe(true)
    })

    it('allows any number of messages a second, even one that does not divide a thousand', async () => {
      await queueChanges(store.db, 4, ['slack'])
      const routes = routesTo({ slack: { type: 'slack', url: slackUrl('slack'), perSecond: 3 } })
      expect(timesOf(await drain(ok, routes))).toEqual([0, 334, 668, 1002])
    })

    it('combines more than ten waiting changes into one message of up to twenty', async () => {
      const queued = await queueChanges(store.db, 25, ['slack'])
      const routes = routesTo({ slack: { type: 'slack', url: slackUrl('slack'), perSecond: 1 } })
      const calls = await drain(ok, routes)
      expect(calls.map(({ changes }) => changes.length)).toEqual([20, 1, 1, 1, 1, 1])
      expect(calls.flatMap(({ changes }) => changes)).toEqual(queued.map((row) => row.change_id))
      expect((await deliveries()).every((row) => row.status === 'delivered')).toBe(true)
      expect(await attempts()).toHaveLength(25)
    })

    it('sends each one separately if only ten are waiting', async () => {
      await queueChanges(store.db, 10, ['slack'])
      const routes = routesTo({ slack: { type: 'slack', url: slackUrl('slack'), perSecond: 1 } })
      expect((await drain(ok, routes)).map(({ changes }) => changes.length)).toEqual(Array(10).fill(1))
    })
  })

  describe('a function with a time limit', () => {
    it('is not held up by a hanging target when it sends to another', async () => {
      await queueChanges(store.db, 5, ['slow', 'slack'])
      const routes = routesTo({
        ...slackTargets('slow'),
        slack: { type: 'slack', url: slackUrl('slack'), perSecond: 1 },
      })
      const calls = await drain(({ url }) => (url === slackUrl('slow') ? 'hang' : ok()), routes, 9000)
      expect(timesOf(calls)).toEqual(seconds(0, 1, 2, 3, 4))
    })

    it('sends more than fit in one batch, and starts nothing after its time', async () => {
      await queueChanges(store.db, 100, ['slack'])
      const slow = async () => {
        await sleep(1000)
        return ok()
      }
      const calls = await drain(slow, routesTo(slackTargets('slack')), 2500)
      expect(calls.length).toBeGreaterThanOrEqual(60)
      expect(Math.max(...timesOf(calls))).toBeLessThan(2500)
      expect((await drain(slow, routesTo(slackTargets('slack')))).length).toBe(100 - calls.length)
    })

    it('sends nothing twice when two calls run at once', async () => {
      await queueChanges(store.db, 100, ['slack'])
      const { fetch, calls } = fetchDouble(ok)
      const routes = routesTo(slackTargets('slack'))
      const other = otherInstance()
      const [one, two] = [watched, other].map((each) => simulatedLoop(each, { fetch, routes }))
      const until = Date.now() + 1000
      await passTime(Promise.all([one?.drain(until), one?.drain(until), two?.drain(until)]), [watched, other])
      await Promise.all([one?.stop(), two?.stop()])
      expect(new Set(calls.flatMap(({ changes }) => changes)).size).toBe(100)
      expect(calls).toHaveLength(100)
    })
  })
})
