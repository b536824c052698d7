import { sql } from 'kysely'
import { firstIdAt } from '../../base/id.ts'
import { labelFacet } from '../../core/list/facets.ts'
import { type ListFilter, timeRange } from '../../core/list/filter.ts'
import { type Db, isPostgres } from '../client.ts'
import { changeColumns } from '../schema.ts'
import { toChange } from '../tables/changes.ts'
import { type Cursor, deliveriesOf, type ListedChange, type Page } from '../views/dashboard.ts'
import { bestSource, type Counted, countFrom, idsFrom, type Span } from './query.ts'
import { changesOfIds } from './search.ts'
import { distinctFrom, knownTargets, planList, theseChanges } from './sources.ts'
import { countOfPostgres, idsOfPostgres } from './words-postgres.ts'
import { countOfSqlite, idsOfSqlite } from './words-sqlite.ts'

const greatest = (a: string | null, b: string | null) => (a === null || (b !== null && b > a) ? b : a)
const least = (a: string | null, b: string | null) => (a === null || (b !== null && b < a) ? b : a)

function spanOf(filter: ListFilter, cursor: Cursor, max: number, now: number): Span {
  const { from, to } = timeRange(filter.time, now)
  return {
    above: greatest(cursor.after ?? null, from === null ? null : firstIdAt('chg', from)),
    below: least(cursor.before ?? null, to === null ? null : firstIdAt('chg', to + 1)),
    isBackwards: cursor.after !== undefined,
    max,
  }
}

type Asked = { filter: ListFilter; now: number }

async function matchingIds(db: Db, { filter, now }: Asked, span: Span): Promise<string[]> {
  const plan = await planList(db, filter, now)
  const { q } = filter
  if (q === null) return idsFrom(db, plan, await bestSource(db, plan, span), span)
  const named = await changesOfIds(db, q)
  if (named) return idsFrom(db, plan, theseChanges(named), span)
  return isPostgres(db) ? idsOfPostgres(db, plan, filter, span) : idsOfSqlite(db, plan, q, span)
}

async function countMatching(db: Db, { filter, now }: Asked, span: Span): Promise<Counted> {
  const plan = await planList(db, filter, now)
  const { q } = filter
  if (q === null) return countFrom(db, plan, await bestSource(db, plan, span), span)
  const named = await changesOfIds(db, q)
  if (named) return countFrom(db, plan, theseChanges(named), span)
  return isPostgres(db) ? countOfPostgres(db, plan, filter, span) : countOfSqlite(db, plan, q, span)
}

/**
 * Postgres: compiling a plan takes longer than running it, and what is read whole is read by an index. With the usual
 * 4 MB, a word's beginning in half of 1,000,000 documents is found by the page, and 26,000 of them are read for nothing.
 */
async function planned<T>(db: Db, read: (db: Db) => Promise<T>): Promise<T> {
  if (!isPostgres(db)) return read(db)
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true),
      set_config('work_mem', '16MB', true)`.execute(trx)
    return read(trx)
  })
}

/**
 * One page of the changes that the filter lets through, newest first, each with its deliveries. `now`: epoch
 * milliseconds, for "the last hour" and for which circuits are open.
 */
export async function listFiltered(
  db: Db,
  asked: Asked,
  cursor: Cursor,
  size: number,
): Promise<Page<ListedChange>> {
  const span = spanOf(asked.filter, cursor, size + 1, asked.now)
  const ids = await planned(db, (reader) => matchingIds(reader, asked, span))
  const shown = span.isBackwards ? ids.slice(0, size).toReversed() : ids.slice(0, size)
  const hasMore = ids.length > size
  const hasNewer = span.isBackwards ? hasMore : cursor.before !== undefined
  const hasOlder = span.isBackwards || hasMore
  return {
    rows: await listed(db, shown),
    older: hasOlder ? (shown.at(-1) ?? null) : null,
    newer: hasNewer ? (shown[0] ?? null) : null,
  }
}

async function listed(db: Db, ids: string[]): Promise<ListedChange[]> {
  if (ids.length === 0) return []
  const [rows, deliveries] = await Promise.all([
    db.selectFrom('changes').select(changeColumns).where('id', 'in', ids).execute(),
    deliveriesOf(db, ids),
  ])
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row ? [{ change: toChange(row), deliveries: deliveries.get(id) ?? [] }] : []
  })
}

/** How many changes the filter lets through, counted up to `most` and within some 50 ms; `isMore`: at least so many. */
export async function countFiltered(db: Db, asked: Asked, max = 1000): Promise<Counted> {
  const span = spanOf(asked.filter, {}, max, asked.now)
  return planned(db, (reader) => countMatching(reader, asked, span))
}

/** The ids of up to `most` changes that the filter lets through, oldest first, after the one named (`''`: from the first). */
export async function idsAfter(db: Db, asked: Asked, after: string, max: number): Promise<string[]> {
  const span = spanOf(asked.filter, { after }, max, asked.now)
  return planned(db, (reader) => matchingIds(reader, asked, span))
}

/** What a filter can be set to: labels, targets and projects that any change has had; the first 200 of each. */
export async function filterChoices(
  db: Db,
): Promise<{ labels: string[]; targets: string[]; projects: string[] }> {
  const start = labelFacet('')
  const [facets, targets, projects] = await Promise.all([
    distinctFrom(db, sql`change_facets`, sql`facet`, { from: start, to: `${start}\u{10ffff}` }),
    knownTargets(db),
    distinctFrom(db, sql`changes`, sql`project_id`, { from: '', to: '\u{10ffff}' }),
  ])
  return { labels: facets.map((facet) => facet.slice(start.length)), targets, projects }
}
