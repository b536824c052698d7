import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { emptyFilter } from '#lib/core/list/filter.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { indexChange } from '#lib/store/search/index-write.ts'
import { listFiltered } from '#lib/store/search/list.ts'
import { changeById } from '#lib/store/tables/changes.ts'
import { saveOrders } from '#lib/store/tables/delivery-orders.ts'
import { contentOf, saveVersions, versionsOf } from '#lib/store/tables/prompts.ts'
import {
  fetchDouble,
  ok,
  passTime,
  queueChanges,
  simulatedLoop,
  simulateTime,
  slackTargets,
  sleep,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const day = 86_400_000

describe.each(engines)('an old store on %s', (engine, openStore) => {
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

  const count = async (table: 'changes' | 'deliveries' | 'attempts' | 'events' | 'delivery_orders') => {
    const query = store.db.selectFrom(table).select((eb) => eb.fn.countAll<number>().as('count'))
    return Number((await query.executeTakeFirstOrThrow()).count)
  }
  /** Changes of now, each with an event and an attempt of some size. */
  async function history(changes: number, more: Parameters<typeof queueChanges>[3]) {
    const rows = await queueChanges(store.db, changes, ['slack'], more)
    await store.db
      .insertInto('events')
      .values(
        rows.map((row) => ({
          id: row.change_id.replace('chg', 'evt'),
          source: 'langfuse-webhook',
          dedupe_key: row.change_id,
          twin_key: null,
          change_id: row.change_id,
          type: 'prompt-version',
          action: 'updated',
          project_id: 'p1',
          subject: 'prompt',
          version: 7,
          occurred_at: Date.now(),
          received_at: Date.now(),
          headers: '{}',
          signature: 'v1',
          secret_hint: 'cdef',
          size: 3000,
          body: new Uint8Array(3000).fill(32),
        })),
      )
      .execute()
    await store.db
      .insertInto('attempts')
      .values(
        rows.map((row) => ({
          delivery_id: row.id,
          number: 1,
          started_at: Date.now(),
          duration_ms: 1,
          outcome: 'delivered' as const,
          status_code: 200,
          reason: null,
          request: 'x',
          response: 'ok',
        })),
      )
      .execute()
    await saveOrders(
      store.db,
      rows.map(({ id, target }) => ({ delivery_id: id, target, key: 'k', role: 'opens', at: Date.now() })),
    )
    return rows
  }
  const pruneNow = () =>
    passTime(prune(watched.db, { retentionDays: 90, now: Date.now, stopping: () => false }), [watched])

  it('deletes changes delivered longer ago than the retention, with their events and attempts', async () => {
    await history(450, { status: 'delivered', next_at: null })
    await history(10, { status: 'skipped', next_at: null })
    await passTime(sleep(89 * day), [])
    await history(5, { status: 'delivered', next_at: null })
    expect(await pruneNow()).toBe(0)
    await passTime(sleep(2 * day), [])
    expect(await pruneNow()).toBe(460)
    expect(
      await Promise.all([count('changes'), count('events'), count('deliveries'), count('attempts')]),
    ).toEqual([5, 5, 5, 5])
    expect(await count('delivery_orders')).toBe(5)
  })

  it.each(['queued', 'retrying', 'sending', 'failed'] as const)(
    'keeps a change with a delivery that is %s, however old',
    async (status) => {
      await history(250, { status, next_at: status === 'failed' ? null : Date.now() })
      await history(3, { status: 'delivered', next_at: null })
      await passTime(sleep(400 * day), [])
      expect(await pruneNow()).toBe(3)
      expect(await Promise.all([count('changes'), count('events'), count('attempts')])).toEqual([
        250, 250, 250,
      ])
    },
  )

  const state = (version: number, deleted: boolean) => ({
    version,
    promptId: null,
    labels: deleted ? [] : ['latest'],
    tags: ['a'],
    promptType: 'text',
    commitMessage: null,
    createdBy: 'clu_maya',
    updatedAt: Date.now(),
    deleted,
  })
  const key = { projectId: 'p1', name: 'greeting' }
  const text = { text: 'Hello', config: {} }
  const textOf = async (version: number) => (await contentOf(store.db, key, version)).content

  it('deletes the texts of versions deleted longer ago than the retention, and keeps their other data', async () => {
    const all = new Map([1, 2, 3].map((version) => [version, text]))
    await saveVersions(store.db, key, [state(1, true), state(2, false), state(3, true)], all)
    await pruneNow()
    await passTime(sleep(89 * day), [])
    // Created again and deleted again, from which the retention counts.
    await saveVersions(store.db, key, [state(3, false)], new Map())
    await pruneNow()
    await saveVersions(store.db, key, [state(3, true)], new Map())
    await pruneNow()
    expect(await Promise.all([1, 2, 3].map(textOf))).toEqual([text, text, text])
    await passTime(sleep(2 * day), [])
    await pruneNow()
    expect(await Promise.all([1, 2, 3].map(textOf))).toEqual([null, text, text])
    const known = await versionsOf(store.db, key)
    expect(known.map(({ version, deleted, tags }) => [version, deleted, tags])).toEqual([
      [1, true, ['a']],
      [2, false, ['a']],
      [3, true, ['a']],
    ])
    await passTime(sleep(90 * day), [])
    await pruneNow()
    expect(await Promise.all([1, 2, 3].map(textOf))).toEqual([null, text, null])
  })

  it('deletes the texts of a thousand deleted versions', async () => {
    const versions = Array.from({ length: 1000 }, (_, i) => state(i + 1, true))
    await saveVersions(store.db, key, versions, new Map(versions.map(({ version }) => [version, text])))
    await pruneNow()
    await passTime(sleep(91 * day), [])
    await pruneNow()
    const left = await store.db
      .selectFrom('prompt_versions')
      .select('version')
      .where('content', 'is not', null)
      .execute()
    expect(left).toEqual([])
  })

  it.runIf(engine === 'SQLite')(
    'deletes the words that no change contains any more, and finds the others as before',
    async () => {
      const words = async () =>
        (await store.db.selectFrom('search_words').select('word').execute()).map(({ word }) => word)
      const index = async (rows: { change_id: string }[], subject: string) => {
        for (const { change_id: id } of rows) {
          await store.db.updateTable('changes').set({ subject }).where('id', '=', id).execute()
          const change = await changeById(store.db, id)
          if (change) await indexChange(store.db, { ...change, title: subject }, [])
        }
      }
      await index(await history(300, { status: 'delivered', next_at: null }), 'refund einmalig tägliche 客服')
      await passTime(sleep(89 * day), [])
      await index(await history(1, { status: 'delivered', next_at: null }), 'refund dauerhaft')
      await passTime(sleep(2 * day), [])
      expect(await words()).toEqual(
        expect.arrayContaining(['einmalig', 'tägliche', '客', 'refund', 'dauerhaft']),
      )
      expect(await pruneNow()).toBe(300)
      const left = await words()
      expect(left).toEqual(expect.arrayContaining(['refund', 'dauerhaft']))
      for (const word of ['einmalig', 'tägliche', '客', '服']) expect(left).not.toContain(word)
      const found = async (q: string) =>
        (await listFiltered(store.db, { filter: { ...emptyFilter, q }, now: Date.now() }, {}, 10)).rows.length
      expect([await found('refu'), await found('dauerhaft'), await found('einmalig')]).toEqual([1, 1, 0])
    },
  )

  it.runIf(engine === 'SQLite')('returns the space to the file system', async () => {
    const pages = async (name: 'page_count' | 'freelist_count') => {
      const { rows } = await sql<Record<string, number>>`pragma ${sql.raw(name)}`.execute(watched.db)
      return rows[0]?.[name] ?? -1
    }
    await history(400, { status: 'delivered', next_at: null })
    const before = await pages('page_count')
    await passTime(sleep(91 * day), [])
    const statements = watched.statements()
    await pruneNow()
    // Many pages at once: one by one it would be hundreds.
    expect(watched.statements() - statements).toBeLessThan(60)
    expect(await pages('freelist_count')).toBe(0)
    expect(await pages('page_count')).toBeLessThan(before / 4)
  })

  it('is pruned by the loop once an hour, and by a cron request that has time left', async () => {
    const { fetch } = fetchDouble(ok)
    const open = () => simulatedLoop(watched, { fetch, routes: { targets: {}, rules: [], alertTargets: [] } })
    await history(3, { status: 'delivered', next_at: null })
    await passTime(sleep(90 * day - 1000), [watched])
    const loop = open()
    await loop.start()
    await passTime(sleep(5000), [watched])
    expect(await count('changes')).toBe(3)
    await passTime(sleep(3_601_000), [watched])
    expect(await count('changes')).toBe(0)
    await passTime(loop.stop(), [watched])
    await history(3, { status: 'delivered', next_at: null })
    await passTime(sleep(91 * day), [watched])
    const other = open()
    await passTime(other.drain(Date.now() + 45_000), [watched])
    expect(await count('changes')).toBe(0)
    expect([...loop.errors, ...other.errors]).toEqual([])
  })
})

describe.each(engines)('an idle loop on %s', (_, openStore) => {
  it('queries less than once a second, and starts work exactly when it is due', async () => {
    const store = await openStore()
    const watched = watchStore(store.url)
    simulateTime()
    const { fetch, calls } = fetchDouble(ok)
    const targets = slackTargets('one', 'two', 'three')
    const loop = simulatedLoop(watched, { fetch, routes: { targets, rules: [], alertTargets: [] } })
    await loop.start()
    await passTime(sleep(10_000), [watched])
    const before = watched.statements()
    await passTime(sleep(60_000), [watched])
    expect(watched.statements() - before).toBeLessThan(40)
    await queueChanges(store.db, 1, ['two'], { next_at: Date.now() + 57_123 })
    await passTime(sleep(60_000), [watched])
    expect(calls.map(({ at }) => at)).toEqual([127_123])
    await passTime(loop.stop(), [watched])
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })
})
