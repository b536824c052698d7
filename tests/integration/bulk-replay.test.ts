import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyFilter, type ListFilter } from '#lib/core/list/filter.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { previewReplay, replayNext, startReplay } from '#lib/pipeline/replay/bulk-replay.ts'
import { cancelChange, type ReplayMode } from '#lib/pipeline/replay/replay.ts'
import {
  cancelReplay,
  claimReplay,
  nextReplay,
  recentReplays,
  replayById,
} from '#lib/store/tables/replays.ts'
import { queueChanges, slackTargets } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const routes = (names: string[], to: string[] = names): Routes => ({
  targets: slackTargets(...names),
  rules: [{ name: "today's rule", on: ['label-added'], to }],
  alertTargets: [],
})

describe.each(engines)('a bulk replay on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    store = await openStore()
    time = Date.now() + 60_000
  })
  afterEach(() => store.close())

  const ended = { next_at: null, finished_at: 5, failures: 13, attempt: 13, reason: 'no' }
  const rows = () => store.db.selectFrom('deliveries').selectAll().orderBy('id').execute()
  const set = (target: string, values: object) =>
    store.db.updateTable('deliveries').set(values).where('target', '=', target).execute()
  const deps = (configured: Routes) => ({
    db: store.db,
    routes: configured,
    now: () => time,
    stopping: () => false,
  })

  async function start(configured: Routes, filter: Partial<ListFilter>, mode: ReplayMode = 'as-it-was') {
    const asked = { filter: { ...emptyFilter, ...filter }, mode, expected: 1e6 }
    const started = await startReplay({ db: store.db, routes: configured }, asked, time)
    if (!started.ok) throw new Error(started.why)
    return started.id
  }
  async function workAll(configured: Routes) {
    while ((await replayNext(deps(configured))) === 'worked') time += 1
  }

  it('previews how many changes match and what happens to each delivery', async () => {
    const configured = routes(['a', 'b'])
    await queueChanges(store.db, 3, ['a', 'b', 'gone', 'no'], { ...ended, status: 'failed' })
    await set('a', { status: 'delivered' })
    await set('no', { status: 'skipped' })
    const preview = (filter: Partial<ListFilter>) =>
      previewReplay({ db: store.db, routes: configured }, { ...emptyFilter, ...filter }, time)
    expect(await preview({})).toMatchObject({
      changes: 3,
      targets: [
        { target: 'a', again: 3, first: 0, left: 0 },
        { target: 'b', again: 0, first: 3, left: 0 },
        { target: 'gone', again: 0, first: 0, left: 3 },
      ],
    })
    expect((await preview({ status: ['failed'], target: 'b' })).targets).toEqual([
      { target: 'b', again: 0, first: 3, left: 0 },
    ])
    expect(await preview({ prompt: 'prompt-1' })).toMatchObject({ changes: 1 })
    expect(await preview({ prompt: 'nowhere' })).toEqual({ changes: 0, newest: null, targets: [] })
  })

  it('queues the matching deliveries batch by batch, and reports its progress', async () => {
    const configured = routes(['a', 'b'])
    await queueChanges(store.db, 250, ['a', 'b'], { ...ended, status: 'failed' })
    await set('b', { status: 'delivered' })
    const id = await start(configured, { status: ['failed'] })
    expect(await replayById(store.db, id)).toMatchObject({ total: 250, done: 0, next_at: time })
    const seen: number[] = []
    while ((await replayNext(deps(configured))) === 'worked') {
      time += 1
      seen.push((await replayById(store.db, id))?.done ?? 0)
    }
    expect(seen).toEqual([100, 200, 250])
    expect(await replayById(store.db, id)).toMatchObject({
      done: 250,
      queued: 250,
      left: 0,
      next_at: null,
      cancelled: 0,
      finished_at: time - 1,
    })
    const after = await rows()
    expect(after.filter(({ target }) => target === 'a').every(({ status }) => status === 'queued')).toBe(true)
    expect(after.filter(({ target }) => target === 'b').every(({ status }) => status === 'delivered')).toBe(
      true,
    )
  })

  it('leaves out changes that arrived after it was requested', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 2, ['a'], { ...ended, status: 'delivered' })
    const id = await start(configured, {})
    await queueChanges(store.db, 2, ['a'], { ...ended, status: 'delivered' })
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ total: 2, done: 2 })
    expect((await rows()).map(({ status }) => status)).toEqual(['queued', 'queued', 'delivered', 'delivered'])
  })

  it("uses the current rules if requested, and only the filter's target if it has one", async () => {
    const configured = routes(['a', 'b', 'new'], ['a', 'new'])
    await queueChanges(store.db, 1, ['a', 'b'], { ...ended, status: 'delivered' })
    const id = await start(configured, {}, 'todays-rules')
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ queued: 2, left: 1 })
    expect((await rows()).map(({ target, status }) => [target, status])).toEqual([
      ['a', 'queued'],
      ['b', 'delivered'],
      ['new', 'queued'],
    ])
    await store.db.updateTable('deliveries').set({ status: 'delivered', next_at: null }).execute()
    await store.db.deleteFrom('deliveries').where('target', '=', 'new').execute()
    const one = await start(configured, { target: 'a' }, 'todays-rules')
    await workAll(configured)
    expect(await replayById(store.db, one)).toMatchObject({ queued: 1, left: 0 })
  })

  it('stops when it is cancelled, and leaves queued deliveries queued', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 150, ['a'], { ...ended, status: 'failed' })
    const id = await start(configured, {})
    await replayNext(deps(configured))
    expect(await cancelReplay(store.db, id, time)).toBe(true)
    expect(await cancelReplay(store.db, id, time)).toBe(false)
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ done: 100, cancelled: 1, next_at: null })
    expect((await rows()).filter(({ status }) => status === 'queued')).toHaveLength(100)
  })

  it('stops in the middle of a batch when it is cancelled', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 50, ['a'], { ...ended, status: 'failed' })
    const id = await start(configured, {})
    let asked = 0
    // Called before each change, so that the replay can be cancelled between two.
    const stopping = () => {
      asked += 1
      return false
    }
    const working = replayNext({ ...deps(configured), stopping })
    while (asked < 3) await new Promise((resolve) => setImmediate(resolve))
    await cancelReplay(store.db, id, time)
    await working
    const { done = 0, queued } = (await replayById(store.db, id)) ?? {}
    expect(done).toBeLessThan(50)
    expect(queued).toBe(done)
    expect((await rows()).filter(({ status }) => status === 'queued')).toHaveLength(done)
  })

  it('resumes where a dead worker left off, and that worker cannot continue', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 10, ['a'], { ...ended, status: 'failed' })
    const id = await start(configured, {})
    const claimed = await claimReplay(store.db, time, 60_000)
    expect(claimed?.id).toBe(id)
    expect(await replayNext(deps(configured))).toBe('none')
    expect(await nextReplay(store.db)).toBe(time + 60_000)
    time += 60_000
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ done: 10, claim: 2, next_at: null })
  })

  it('gives the rest back when the process stops', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 10, ['a'], { ...ended, status: 'failed' })
    const id = await start(configured, {})
    let asked = 0
    await replayNext({ ...deps(configured), stopping: () => ++asked > 4 })
    expect(await replayById(store.db, id)).toMatchObject({ done: 4, next_at: time, finished_at: null })
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ done: 10, queued: 10 })
  })

  it('counts its time range back from the request, not from the work', async () => {
    const configured = routes(['a'])
    await queueChanges(store.db, 2, ['a'], { ...ended, status: 'failed' })
    const id = await start(configured, { time: '1h' })
    time += 7_200_000
    await workAll(configured)
    expect(await replayById(store.db, id)).toMatchObject({ done: 2 })
  })

  it('does not start if nothing matches, or more than the preview showed', async () => {
    const configured = routes(['a'])
    const asked = { filter: emptyFilter, mode: 'as-it-was' as const, expected: 1 }
    const begin = () => startReplay({ db: store.db, routes: configured }, asked, time)
    expect(await begin()).toEqual({ ok: false, why: 'nothing' })
    await queueChanges(store.db, 2, ['a'], { ...ended, status: 'failed' })
    expect(await begin()).toEqual({ ok: false, why: 'more' })
    expect(await recentReplays(store.db, 10)).toEqual([])
  })

  it('of one change can be undone: waiting deliveries are cancelled, those being sent are not', async () => {
    const queued = await queueChanges(store.db, 1, ['a', 'b', 'c'])
    await set('b', { status: 'retrying' })
    await set('c', { status: 'sending' })
    expect(await cancelChange(store.db, queued[0]?.change_id ?? '', time)).toBe(2)
    expect((await rows()).map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'sending'])
  })
})
