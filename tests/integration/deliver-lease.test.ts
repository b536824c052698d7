import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Routes } from '#lib/core/rules/rules.ts'
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
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const hour = 3_600_000

describe.each(engines)('a delivery on %s', (_, openStore) => {
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

  const routes = (alertTargets: string[], ...names: string[]): Routes => ({
    targets: slackTargets(...names),
    rules: [],
    alertTargets,
  })
  const deliveries = () => store.db.selectFrom('deliveries').selectAll().orderBy('id').execute()
  const attempts = () => store.db.selectFrom('attempts').selectAll().orderBy('number').execute()
  const instance = (reply: (call: Call) => Reply | Promise<Reply>, configured = routes([], 'slack')) => {
    const { fetch, calls } = fetchDouble(reply)
    return { ...simulatedLoop(watched, { fetch, routes: configured }), calls }
  }
  const pass = (ended: Promise<unknown>) => passTime(ended, [watched])

  describe('whose worker dies', () => {
    it('is sent again when its lease of 60 s ends, and a late result does not overwrite the newer one', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const late = Promise.withResolvers<Reply>()
      const dead = instance(() => late.promise)
      void dead.drain(Date.now() + 1000)
      await pass(sleep(1000))
      expect((await deliveries())[0]).toMatchObject({ status: 'sending', attempt: 1 })
      const alive = instance(ok)
      await pass(alive.drain(Date.now() + hour))
      expect(alive.calls.map(({ at }) => at)).toEqual([60_000])
      late.resolve(status(410, {}, 'channel_is_archived'))
      await pass(dead.stop())
      expect((await deliveries())[0]).toMatchObject({ status: 'delivered', attempt: 2, reason: null })
      // Both are stored, so that a person can see what happened.
      expect((await attempts()).map(({ number, outcome }) => [number, outcome])).toEqual([
        [1, 'failed'],
        [2, 'delivered'],
      ])
    })
  })

  describe('of a process that is stopped', () => {
    it('is finished if it is being sent, given back if that takes too long, and otherwise not started', async () => {
      await queueChanges(store.db, 70, ['slack'])
      let count = 0
      const ending = instance(async () => {
        count++
        if (count % 2 === 0) return 'hang'
        await sleep(5000)
        return ok()
      })
      // Otherwise the hanging ones would reach their own time limit first.
      vi.mocked(AbortSignal.timeout).mockImplementation(() => new AbortController().signal)
      await ending.start()
      await pass(sleep(1000))
      expect(ending.calls).toHaveLength(50)
      await pass(ending.stop())
      expect(ending.calls).toHaveLength(50)
      expect(ending.errors).toEqual([])
      const rows = await deliveries()
      expect(rows.filter((row) => row.status === 'delivered')).toHaveLength(25)
      const given = rows.filter((row) => row.status === 'retrying')
      expect(given).toHaveLength(25)
      expect(given.every((row) => row.failures === 0 && (row.next_at ?? 0) <= Date.now())).toBe(true)
      const next = instance(ok)
      await pass(next.drain(Date.now() + 1000))
      expect(next.calls).toHaveLength(45)
      expect((await deliveries()).every((row) => row.status === 'delivered')).toBe(true)
    })

    it('counts as sent if the answer arrived, even after the time was up', async () => {
      await queueChanges(store.db, 1, ['slack'])
      const ending = instance(async () => {
        await sleep(10_500)
        return ok()
      })
      vi.mocked(AbortSignal.timeout).mockImplementation(() => new AbortController().signal)
      await ending.start()
      await pass(sleep(100))
      await pass(ending.stop())
      expect((await deliveries())[0]?.status).toBe('delivered')
    })
  })

  describe('that is given up', () => {
    const textOf = (body: unknown) => (JSON.parse(String(body)) as { text: string }).text

    it('is reported to another target, once an hour, with their number', async () => {
      const sent: { at: number; url: string; text: string }[] = []
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const isBroken = String(input) === slackUrl('broken')
        if (!isBroken) sent.push({ at: Date.now(), url: String(input), text: textOf(init?.body) })
        return isBroken ? status(404, {}, 'no_service') : ok()
      }
      const began = Date.now()
      const configured = routes(['ops'], 'broken', 'ops')
      const loop = simulatedLoop(watched, { fetch, routes: configured })
      await queueChanges(store.db, 1, ['broken'])
      await pass(loop.drain(Date.now() + 1000))
      for (let i = 0; i < 3; i++) {
        await pass(sleep(10 * 60_000))
        await queueChanges(store.db, 2, ['broken'])
        await pass(loop.drain(Date.now() + 1000))
      }
      await pass(loop.drain(Date.now() + 5 * hour))
      await loop.stop()
      expect(sent.map(({ at, url, text }) => [(at - began) / hour, url, text])).toEqual([
        [0, slackUrl('ops'), '1 delivery to broken given up'],
        [1, slackUrl('ops'), '6 deliveries to broken given up'],
      ])
      expect(loop.errors).toEqual([])
    })

    it('is not reported to the target that gave up', async () => {
      const { calls, drain, stop } = instance(() => status(404, {}, 'no_service'), routes(['ops'], 'ops'))
      await queueChanges(store.db, 1, ['ops'])
      await pass(drain(Date.now() + 5 * hour))
      await stop()
      expect(calls).toHaveLength(1)
      expect(await store.db.selectFrom('changes').select('id').execute()).toHaveLength(1)
    })
  })
})
