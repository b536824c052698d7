import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { emptyFilter } from '#lib/core/list/filter.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { migrations } from '#lib/store/migrations/all.ts'
import { countFiltered, filterChoices, listFiltered } from '#lib/store/search/list.ts'
import { usageSince } from '#lib/store/tables/polls.ts'
import { contentOf } from '#lib/store/tables/prompts.ts'
import { recentReplays } from '#lib/store/tables/replays.ts'
import { readWatch } from '#lib/store/tables/watch.ts'
import { attemptsOf, eventsWithHeads } from '#lib/store/views/change-page.ts'
import { deliveriesOf } from '#lib/store/views/listed-changes.ts'
import { countRows, listEvents, listRejections } from '#lib/store/views/paged-lists.ts'
import { changesOfPrompt, projectsWith, shownVersions } from '#lib/store/views/prompt-page.ts'
import { t } from '../fixtures.ts'
import { fetchDouble, passTime, simulatedLoop, simulateTime, status, watchStore } from './simulation.ts'
import { engines, storeOfVersion, type TestStore } from './stores.ts'

/** A minute after the store was written. */
const now = t * 1000 + 60_000
const project = 'cmfq1x7h3000108l4b2k9d6tz'

/** The first version reads these with `*` in prepared statements, which a new column would break on Postgres. */
const readWhole = [
  'attempts',
  'changes',
  'deliveries',
  'events',
  'polled',
  'rejections',
  'replays',
  'targets',
]

const routes: Routes = {
  targets: {
    slack: { type: 'slack', url: 'https://hooks.slack.test/services/T0/B0/xxxxxxxxxxxx' },
    pagerduty: { type: 'pagerduty', routingKey: 'a'.repeat(32), eventsUrl: 'https://pagerduty.test' },
  },
  rules: [{ name: 'all', on: ['prompt.created', 'prompt.updated'], to: ['slack'] }],
  alertTargets: [],
}

describe.each(engines)('a store written by the first version in %s', (_) => {
  let store: Pick<TestStore, 'url' | 'close'>
  let db: Db
  beforeEach(async () => {
    store = await storeOfVersion('0001-start')
    db = await openDatabase(store.url)
  })
  afterEach(async () => {
    await db.destroy()
    await store.close()
  })

  it('has no new columns in tables that the first version, which may still be running, reads with `*`', async () => {
    const columns = async (handle: Db) => {
      const tables = await handle.introspection.getTables()
      const whole = tables.filter(({ name }) => readWhole.includes(name))
      return whole.map(({ name, columns: all }) => [name, all.map((column) => column.name).toSorted()])
    }
    const first = await storeOfVersion('0001-start')
    const before = watchStore(first.url)
    expect(await columns(db)).toEqual(await columns(before.db))
    expect(await columns(db)).toHaveLength(readWhole.length)
    await before.db.destroy()
    await first.close()
  })

  it("copies the names from the first version's table into its own, once, and leaves that table unchanged", async () => {
    const done = async (table: string) => {
      const { rows } = await sql<{
        name: string
      }>`select name from ${sql.table(table)} order by name`.execute(db)
      return rows.map(({ name }) => name)
    }
    expect(await done('migrations')).toEqual(Object.keys(migrations).toSorted())
    expect(await done('kysely_migration')).toEqual(['0001-start'])
    await sql`delete from kysely_migration`.execute(db)
    const again = await openDatabase(store.url)
    expect(await done('kysely_migration')).toEqual([])
    await again.destroy()
  })

  it('shows the same on every page', async () => {
    expect(await countRows(db, 100)).toMatchObject({ events: 11, changes: 11, rejections: 1 })
    const { rows } = await listFiltered(db, { filter: { ...emptyFilter, test: 'shown' }, now }, {}, 50)
    expect(rows.map(({ change }) => change.kind).toSorted()).toEqual(
      'alert deleted given-up given-up notification promoted recovered unchanged version-created version-created version-created'.split(
        ' ',
      ),
    )
    const ids = rows.map(({ change }) => change.id)
    const deliveries = [...(await deliveriesOf(db, ids)).values()].flat()
    expect(deliveries).toHaveLength(25)
    const attempts = await attemptsOf(
      db,
      deliveries.map(({ id }) => id),
    )
    expect([...attempts.values()].flat()).toHaveLength(19)
    expect((await listEvents(db, {}, {}, 50)).rows).toHaveLength(11)
    expect(await eventsWithHeads(db, ids[0] ?? '', 100, 100)).toHaveLength(1)
    expect((await listRejections(db, {}, 50)).rows).toHaveLength(1)
    expect(await recentReplays(db, 10)).toHaveLength(1)
    expect(await usageSince(db, '2026-08-01')).toMatchObject([{ generations: 1, total: 11 }])
    expect(await readWatch(db)).toBeDefined()
  })

  it('is found by search and filters, and its prompts are known', async () => {
    const asked = (over: object) => ({ filter: { ...emptyFilter, ...over }, now })
    const found = await listFiltered(db, asked({ q: 'refund' }), {}, 10)
    expect(found.rows.map(({ change }) => change.kind)).toContain('promoted')
    expect((await countFiltered(db, asked({ label: 'production' }))).count).toBeGreaterThan(0)
    expect(await filterChoices(db)).toBeDefined()
    expect(await projectsWith(db, 'support/refund-reply')).toEqual([project])
    const key = { projectId: project, name: 'support/refund-reply' }
    expect((await shownVersions(db, key)).map(({ version }) => version)).toEqual([7, 6])
    expect((await contentOf(db, key, 7)).content).not.toBeNull()
    expect((await changesOfPrompt(db, key, {}, 10)).rows).toHaveLength(2)
  })

  it('goes on: open changes settle, waiting deliveries are sent, and old changes are deleted', async () => {
    const watched = watchStore(store.url)
    simulateTime()
    const { fetch, calls } = fetchDouble(({ url }) => status(url.includes('pagerduty') ? 202 : 200, {}, 'ok'))
    const loop = simulatedLoop(watched, { fetch, routes })
    await passTime(loop.drain(Date.now() + 4 * 3_600_000), [watched])
    await passTime(loop.stop(), [watched])
    vi.useRealTimers()
    await watched.db.destroy()
    expect(loop.errors).toEqual([])
    const hosts = new Set(calls.map(({ url }) => new URL(url).hostname))
    expect(hosts).toEqual(new Set(['hooks.slack.test', 'pagerduty.test']))
    const open = await db.selectFrom('changes').select('id').where('status', '=', 'settling').execute()
    expect(open).toEqual([])
    const waiting = await db
      .selectFrom('deliveries')
      .select('target')
      .where('next_at', 'is not', null)
      .execute()
    expect(waiting).toEqual([])
    await db.updateTable('deliveries').set({ status: 'cancelled' }).where('status', '=', 'failed').execute()
    await prune(db, { retentionDays: 90, now: () => now + 100 * 86_400_000, stopping: () => false })
    expect(await countRows(db, 100)).toMatchObject({ events: 0, changes: 0 })
  })
})
