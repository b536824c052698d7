import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexable } from '#lib/core/change/indexable.ts'
import { doubt } from '#lib/core/reconcile/doubt.ts'
import { freshLook } from '#lib/core/reconcile/state.ts'
import { prune } from '#lib/pipeline/prune.ts'
import {
  claimLook,
  confirmDeletions,
  endLease,
  endLookRequest,
  keepLease,
  readLease,
  readLook,
  readLooks,
  requestFullLook,
  saveLook,
  saveOutage,
  wakeLook,
} from '#lib/store/tables/looks.ts'
import {
  beginDoubts,
  countDoubts,
  dueDoubts,
  endDoubt,
  nextDoubt,
  noteListed,
  saveDoubt,
} from '#lib/store/tables/prompt-looks.ts'
import { saveVersions, versionsOf } from '#lib/store/tables/prompts.ts'
import { addCount, countsSince } from '#lib/store/tables/reconcile-counts.ts'
import { engines, type TestStore } from './stores.ts'

const now = Date.parse('2026-11-27T12:00:00Z')
const day = 86_400_000
const restMs = 26 * 3_600_000
const key = { baseUrl: 'https://langfuse.test', projectId: 'p1' }

describe.each(engines)('what looks keep in %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  it('keeps the state of a project under its server and id, apart from what others ask for meanwhile', async () => {
    const { db } = store
    expect(await readLook(db, key)).toEqual({
      ...{ ...key, state: freshLook, requested: null, confirmedAt: null, outage: null },
    })
    await requestFullLook(db, key, { why: 'requested', at: now })
    await saveLook(db, key, { ...freshLook, number: 3, checkedAt: now })
    await confirmDeletions(db, key, now + 1)
    await saveOutage(db, key, { from: now, to: now + 5, status: 503 })
    await saveLook(db, { ...key, baseUrl: 'https://other.test' }, { ...freshLook, number: 9 })
    const look = await readLook(db, key)
    expect(look).toMatchObject({ requested: { why: 'requested', at: now }, confirmedAt: now + 1 })
    expect(look).toMatchObject({ state: { number: 3, checkedAt: now }, outage: { status: 503 } })
    expect((await readLooks(db, ['p1'])).map(({ state }) => state.number)).toEqual([3, 9])
    expect(await readLooks(db, ['p2'])).toEqual([])
  })

  it('reads a state that a later version wrote as a fresh one, which only makes the next look compare everything', async () => {
    await saveLook(store.db, key, freshLook)
    await sql`update looks set state = '{"number":"x"}', requested = '{"why":"moon","at":1}'`.execute(
      store.db,
    )
    expect(await readLook(store.db, key)).toMatchObject({ state: freshLook, requested: null })
  })

  it('ends a request only if no other came meanwhile', async () => {
    const [first, second] = [
      { why: 'quiet' as const, at: now },
      { why: 'requested' as const, at: now + 1 },
    ]
    await requestFullLook(store.db, key, first)
    await requestFullLook(store.db, key, second)
    await endLookRequest(store.db, key, first)
    expect((await readLook(store.db, key)).requested).toEqual(second)
    await endLookRequest(store.db, key, second)
    expect((await readLook(store.db, key)).requested).toBeNull()
  })

  it('is claimed by one instance at a time, and by another once the lease has ended', async () => {
    const { db } = store
    const first = await claimLook(db, 'support', { now, leaseMs: 60_000, restMs })
    if (!first) throw new Error('not claimed')
    expect(await claimLook(db, 'support', { now: now + 1, leaseMs: 60_000, restMs })).toBeNull()
    expect(await claimLook(db, 'sales', { now: now + 1, leaseMs: 60_000, restMs })).not.toBeNull()
    expect(await keepLease(db, first, now + 90_000)).toBe(true)
    expect(await claimLook(db, 'support', { now: now + 70_000, leaseMs: 60_000, restMs })).toBeNull()
    const second = await claimLook(db, 'support', { now: now + 90_000, leaseMs: 60_000, restMs })
    expect(second?.claim).toBe(2)
    expect(await endLease(db, first, now + 300_000)).toBe(false)
  })

  it('can be woken while it rests, and not while an instance is at work', async () => {
    const { db } = store
    const lease = await claimLook(db, 'support', { now, leaseMs: 60_000, restMs })
    if (!lease) throw new Error('not claimed')
    await wakeLook(db, 'support', now + 1)
    expect((await readLease(db, 'support'))?.nextAt).toBe(now + 60_000)
    await endLease(db, { ...lease, state: { ...lease.state, projectId: 'p1' } }, now + 300_000)
    await wakeLook(db, 'support', now + 2)
    expect(await readLease(db, 'support')).toMatchObject({ nextAt: now + 2, projectId: 'p1' })
    expect(await readLease(db, 'sales')).toBeNull()
  })

  it('settles doubts in the order in which they are due, by whole names, and does not restart one that goes on', async () => {
    const { db } = store
    const long = `${'x'.repeat(700)}/end`
    const found = doubt.parse({ since: now, revision: 'r1' })
    await noteListed(db, 'p1', [long, 'a'], { seen: 4 })
    const begin = (names: string[], since: number) =>
      beginDoubts(
        db,
        'p1',
        names.map((name) => ({ name, found: { ...found, since } })),
        since === now ? now + 10 : since,
      )
    await begin([long, 'b', 'b'], now)
    await begin(['b', 'a'], now + 5)
    expect(await countDoubts(db, 'p1')).toBe(3)
    expect(await nextDoubt(db, 'p1')).toBe(now + 5)
    expect(await nextDoubt(db, 'p2')).toBeNull()
    expect((await dueDoubts(db, 'p1', { now: now + 9, max: 10 })).map(({ name }) => name)).toEqual(['a'])
    const all = await dueDoubts(db, 'p1', { now: now + 10, max: 10 })
    expect(all.map(({ name, doubt }) => [name, doubt.since])).toEqual([
      ['a', now + 5],
      ['b', now],
      [long, now],
    ])
    const items = [{ version: 2, key: 'gone', since: now }]
    await saveDoubt(db, { projectId: 'p1', name: long }, { found: { ...found, items }, dueAt: now + 1 })
    expect((await dueDoubts(db, 'p1', { now: now + 1, max: 10 }))[0]).toMatchObject({
      name: long,
      doubt: { items },
    })
    await endDoubt(db, { projectId: 'p1', name: long })
    expect(await countDoubts(db, 'p1')).toBe(2)
    const marks = await db.selectFrom('prompt_looks').select(['name', 'seen']).where('seen', '=', 4).execute()
    expect(marks.map(({ name }) => name).toSorted()).toEqual(['a', indexable(long)].toSorted())
  })

  it('counts by day and project, with the first and the last time', async () => {
    const { db } = store
    await addCount(db, 'p1', 'missing', { count: 2, from: now - 50, to: now - 20, now })
    await addCount(db, 'p1', 'missing', { count: 1, from: now - 40, to: now - 10, now })
    await addCount(db, 'p1', 'late', { count: 0, from: now, to: now, now })
    await addCount(db, 'p1', 'missing', {
      count: 5,
      from: now - 9 * day,
      to: now - 8 * day,
      now: now - 8 * day,
    })
    await addCount(db, 'p2', 'corrected', { count: 7, from: now, to: now, now })
    const today = await countsSince(db, '2026-11-27')
    expect(today.get('p1')).toEqual({ missing: { count: 3, firstAt: now - 50, lastAt: now - 10 } })
    expect(today.get('p2')).toEqual({ corrected: { count: 7, firstAt: now, lastAt: now } })
    const month = await countsSince(db, '2026-10-28')
    expect(month.get('p1')?.missing).toEqual({ count: 8, firstAt: now - 9 * day, lastAt: now - 10 })
  })

  it('keeps when Langfuse said that a version is so, beside what webhooks say later', async () => {
    const { db } = store
    const prompt = { projectId: 'p1', name: 'a' }
    const version = {
      ...{
        version: 1,
        promptId: null,
        labels: ['latest'],
        tags: [],
        promptType: 'text',
        commitMessage: null,
      },
      ...{ createdBy: null, updatedAt: now, deleted: false },
    }
    await saveVersions(db, prompt, [{ ...version, readAt: now }], new Map())
    await saveVersions(db, prompt, [{ ...version, updatedAt: now + 1 }], new Map())
    expect(await versionsOf(db, prompt)).toEqual([{ ...version, updatedAt: now + 1, readAt: now }])
  })

  it('forgets prompts that are gone, but not what is in doubt, and sums up counts older than 400 days', async () => {
    const { db } = store
    const live = {
      ...{ version: 1, promptId: null, labels: [], tags: [], promptType: null, commitMessage: null },
      ...{ createdBy: null, updatedAt: now, deleted: false },
    }
    await noteListed(db, 'p1', ['live', 'gone', 'doubted'], { seen: 1 })
    await saveVersions(db, { projectId: 'p1', name: 'live' }, [live], new Map())
    await saveVersions(db, { projectId: 'p1', name: 'gone' }, [{ ...live, deleted: true }], new Map())
    await beginDoubts(db, 'p1', [{ name: 'doubted', found: doubt.parse({ since: now }) }], now)
    await addCount(db, 'p1', 'missing', { count: 1, from: now, to: now, now: now - 401 * day })
    await addCount(db, 'p1', 'missing', { count: 2, from: now, to: now, now: now - 399 * day })
    await addCount(db, 'p1', 'missing', { count: 4, from: now - 5, to: now, now: now - 500 * day })
    for (let i = 0; i < 2; i++) await prune(db, { retentionDays: 90, now: () => now, stopping: () => false })
    const names = await db.selectFrom('prompt_looks').select('name').orderBy('name').execute()
    expect(names.map(({ name }) => name)).toEqual(['doubted', 'live'])
    expect((await countsSince(db, '2025-01-01')).get('p1')?.missing?.count).toBe(2)
    const all = (await countsSince(db, '')).get('p1')?.missing
    expect(all).toEqual({ count: 7, firstAt: now - 5, lastAt: now })
    expect(await db.selectFrom('reconcile_counts').selectAll().execute()).toHaveLength(2)
  })
})
