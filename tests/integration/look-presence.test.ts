import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LoopDeps } from '#lib/pipeline/loop.ts'
import { createLoop } from '#lib/pipeline/loop.ts'
import { noteServerError, takeOutage } from '#lib/pipeline/reconcile/outage.ts'
import { isAlone, notePresence } from '#lib/pipeline/reconcile/presence.ts'
import { beat } from '#lib/store/tables/heartbeat.ts'
import { claimLook, endLooks, readLease, readLook } from '#lib/store/tables/looks.ts'
import { createApi } from '../model/api.ts'
import { createModel } from '../model/langfuse.ts'
import { randomFrom } from '../model/play.ts'
import { langfuseProject } from '../projects.ts'
import { engines, type TestStore } from './stores.ts'

const start = Date.parse('2026-11-27T12:00:00Z')
const minute = 60_000
const keys = { publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }
const project = langfuseProject({ name: 'support', id: 'p1', keys })
const key = { baseUrl: project.baseUrl, projectId: 'p1' }

describe.each(engines)('the presence of instances on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  const now = () => time
  beforeEach(async () => {
    store = await openStore()
    time = start
    takeOutage()
  })
  afterEach(() => store.close())

  const note = (over: { isDry?: boolean; isResident?: boolean } = {}) =>
    notePresence({ db: store.db, now, projects: [project], isDry: false, isResident: true, ...over })
  const requested = async () => (await readLook(store.db, key)).requested

  it('asks for a full look after a time without any, and not after a restart', async () => {
    await note()
    time += minute
    expect(await note()).toBe(false)
    expect(await requested()).toBeNull()
    time += 3 * minute
    expect(await note()).toBe(true)
    expect(await requested()).toEqual({ why: 'away', at: time })
  })

  it('takes a clock that was set back for no absence', async () => {
    await note()
    time -= 60 * minute
    expect(await note()).toBe(false)
    expect(await requested()).toBeNull()
  })

  it('says nothing of absences where functions come and go', async () => {
    await note({ isResident: false })
    time += 60 * minute
    expect(await note({ isResident: false })).toBe(false)
    expect(await requested()).toBeNull()
  })

  it('keeps when the endpoint answered with server errors, and asks for a full look once the store answers', async () => {
    await note()
    noteServerError(202, time)
    expect(await note()).toBe(false)
    noteServerError(503, time + 1000)
    noteServerError(500, time + 5000)
    time += 30_000
    expect(await note({ isResident: false })).toBe(true)
    const look = await readLook(store.db, key)
    expect(look.outage).toEqual({ from: start + 1000, to: start + 5000, status: 500 })
    expect(look.requested).toEqual({ why: 'outage', at: time })
    expect(await note()).toBe(false)
  })

  it('keeps them in memory while the store does not answer', async () => {
    noteServerError(503, time)
    const gone = await openStore()
    await gone.close()
    const deps = { db: gone.db, now, projects: [project], isDry: false, isResident: false }
    await expect(notePresence(deps)).rejects.toThrow()
    noteServerError(503, time + 2000)
    await note()
    expect((await readLook(store.db, key)).outage).toEqual({ from: start, to: start + 2000, status: 503 })
  })

  it('joins server errors of one outage, and begins another one later', async () => {
    noteServerError(503, time)
    await note()
    time += 5 * minute
    noteServerError(502, time)
    await note()
    expect((await readLook(store.db, key)).outage).toEqual({ from: start, to: time, status: 502 })
    const before = time
    time += 60 * minute
    noteServerError(503, time)
    await note()
    expect((await readLook(store.db, key)).outage?.from).toBeGreaterThan(before)
  })

  it('shows a dry instance whether a live one uses the store', async () => {
    expect(await isAlone(store.db, time)).toBe(true)
    await note({ isDry: true })
    expect(await isAlone(store.db, time)).toBe(true)
    await note()
    time += 9 * minute
    await note({ isDry: true })
    expect(await isAlone(store.db, time)).toBe(false)
    time += 2 * minute
    expect(await isAlone(store.db, time)).toBe(true)
    expect(await note()).toBe(true)
  })

  it('makes looks that a killed process left due at once, and no others', async () => {
    await claimLook(store.db, 'support', { now: time, leaseMs: 90_000, restMs: 600_000 })
    await endLooks(store.db, time)
    expect((await readLease(store.db, 'support'))?.nextAt).toBe(time)
  })

  describe('with a loop', () => {
    const model = createModel(randomFrom(5), { clock: { at: start } })
    for (let i = 0; i < 10; i++) model.edit('create with labels')
    // Longer ago than any webhook takes.
    model.clock.at += 60 * minute
    const api = createApi([{ name: 'Model', ...keys, model }], { random: randomFrom(6) })
    const looks: LoopDeps['looks'] = [
      {
        project: langfuseProject({ name: 'support', keys }),
        api: { baseUrl: project.baseUrl, ...keys, fetch: api.fetch },
        ...{ everyMs: 300_000, settleMs: 2000, slowestMs: 120_000 },
      },
    ]
    const loopOf = (over: Partial<LoopDeps> = {}) =>
      createLoop({
        db: store.db,
        routes: { targets: {}, rules: [], alertTargets: [] },
        now: Date.now,
        random: () => 0.5,
        sleep: (ms) => sleep(ms),
        fetch: async () => new Response('ok'),
        retentionDays: 90,
        urls: { langfuse: project.baseUrl, public: undefined },
        onError: (error) => {
          throw error
        },
        looks,
        ...over,
      })
    const versions = async () =>
      (await store.db.selectFrom('prompt_versions').select('version').execute()).length
    const until = async (holds: () => Promise<boolean>) => {
      for (let i = 0; i < 200 && !(await holds()); i++) await sleep(25)
    }

    it('compares by itself', async () => {
      const loop = loopOf()
      await loop.start()
      await until(async () => (await versions()) > 0)
      await loop.stop()
      expect(await versions()).toBeGreaterThan(5)
    })

    it('compares while it is drained, where nothing runs by itself', async () => {
      const loop = loopOf()
      expect(await loop.isLookDue()).toBe(true)
      await loop.drain(Date.now() + 500)
      expect(await versions()).toBeGreaterThan(5)
      await loop.stop()
    })

    it('compares nothing in a dry instance on the store of a live one', async () => {
      await beat(store.db, { liveAt: Date.now() })
      const loop = loopOf({ isDry: true })
      const asked = api.requests.length
      await loop.start()
      await sleep(300)
      await loop.stop()
      expect(api.requests.length).toBe(asked)
      expect(await readLease(store.db, 'support')).toBeNull()
      expect(await versions()).toBe(0)
    })
  })
})
