import { sql } from 'kysely'
import { firstIdAt } from '../../base/id.ts'
import { labelFacet } from '../../core/list/facets.ts'
import { type ListFilter, timeRange } from '../../core/list/filter.ts'
import { type Db, isPostgres } from '../client.ts'
import type { DeliveryRow } from '../schema.ts'
import { distinctValues } from '../statement.ts'
import { knownTargets } from '../tables/targets.ts'
import { type ListedChange, listedChanges } from '../views/listed-changes.ts'
import { type Cursor, type Page, pageOf } from '../views/paged-lists.ts'
import { idsOfSearch } from './full-text.ts'
import { type Found, idsOfPlan, planList, type Span } from './plan.ts'

/** `now`: epoch milliseconds, for "the last hour" and for which circuits are open. */
interface ListRequest {
  filter: ListFilter
  now: number
}

const greatest = (a: string | null, b: string | null) => (a === null || (b !== null && b > a) ? b : a)
const least = (a: string | null, b: string | null) => (a === null || (b !== null && b < a) ? b : a)

function spanOf({ filter, now }: ListRequest, cursor: Cursor, max: number): Span {
  const { from, to } = timeRange(filter.time, now)
  return {
    above: greatest(cursor.after ?? null, from === null ? null : firstIdAt('chg', from)),
    below: least(cursor.before ?? null, to === null ? null : firstIdAt('chg', to + 1)),
    isBackwards: cursor.after !== undefined,
    max,
  }
}

async function matchingIds(db: Db, { filter, now }: ListRequest, span: Span): Promise<Found> {
  return planned(db, async (reader) => {
    const plan = await planList(reader, filter, now)
    const { q } = filter
    return q === null ? idsOfPlan(reader, plan, span) : idsOfSearch(reader, plan, { ...filter, q }, span)
  })
}

/**
 * Postgres would compile a statement over several ranges, which takes 900 ms, to save nothing of the 30 it runs. And it would
 * plan a statement that it has run five times without its values, as if each status were as frequent as any other: it then
 * reads a whole table for the few changes that failed (0.6 s at 120,000 changes, and 30 ms with their values). With the usual
 * 4 MB, it would note only the pages of the documents with a word's beginning, and read all of these: 210 ms instead of 55.
 */
async function planned<T>(db: Db, read: (db: Db) => Promise<T>): Promise<T> {
  if (!isPostgres(db)) return read(db)
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true),
      set_config('work_mem', '16MB', true)`.execute(trx)
    return read(trx)
  })
}

/** One page of the changes that pass the filter, newest first, each with its deliveries. */
export async function listFiltered(
  db: Db,
  request: ListRequest,
  cursor: Cursor,
  size: number,
): Promise<Page<ListedChange>> {
  const span = spanOf(request, cursor, size + 1)
  const { ids } = await matchingIds(db, request, span)
  const page = pageOf(ids, (id) => id, cursor, size)
  return { ...page, rows: await listedChanges(db, page.rows) }
}

/** A count reads at most so many rows of an index, which takes 50 ms. */
const maxRows = 10_000

/** How many changes pass the filter, counted up to `max`; `isMore`: there may be more. */
export async function countFiltered(
  db: Db,
  request: ListRequest,
  max = 1000,
): Promise<{ count: number; isMore: boolean }> {
  const span = { ...spanOf(request, {}, max + 1), maxRows }
  const { ids, isAll } = await matchingIds(db, request, span)
  return { count: Math.min(ids.length, max), isMore: !isAll || ids.length > max }
}

/** The ids of up to `max` changes that pass the filter, oldest first, after the given one (`''`: from the first). */
export async function idsAfter(db: Db, request: ListRequest, after: string, max: number): Promise<string[]> {
  return (await matchingIds(db, request, spanOf(request, { after }, max))).ids
}

/** Deliveries of the matching changes that have the same target, status and HTTP class. */
export type DeliveryGroup = Pick<DeliveryRow, 'target' | 'status' | 'http_class'> & { count: number }

export interface MatchingDeliveries {
  changes: number
  /** The id of the newest change; null: nothing matches. */
  newest: string | null
  groups: DeliveryGroup[]
}

/** Ids in one query. */
const chunk = 1000

/** The matching changes, counted up to `max`, and all their deliveries by target, status and HTTP class. */
export async function matchingDeliveries(
  db: Db,
  request: ListRequest,
  max: number,
): Promise<MatchingDeliveries> {
  const ids = await idsAfter(db, request, '', max)
  const counts = new Map<string, DeliveryGroup>()
  for (let start = 0; start < ids.length; start += chunk) {
    const rows = await db
      .selectFrom('deliveries')
      .select(['target', 'status', 'http_class', (eb) => eb.fn.countAll<number>().as('count')])
      .where('change_id', 'in', ids.slice(start, start + chunk))
      .groupBy(['target', 'status', 'http_class'])
      .execute()
    for (const row of rows) {
      const key = JSON.stringify([row.target, row.status, row.http_class])
      counts.set(key, { ...row, count: Number(row.count) + (counts.get(key)?.count ?? 0) })
    }
  }
  return { changes: ids.length, newest: ids.at(-1) ?? null, groups: [...counts.values()] }
}

/** The choices of a filter: the first 200 labels, targets and projects of all changes. */
export async function filterChoices(
  db: Db,
): Promise<{ labels: string[]; targets: string[]; projects: string[] }> {
  const start = labelFacet('')
  const [facets, targets, projects] = await Promise.all([
    distinctValues(db, sql`change_facets`, sql`facet`, { from: start, to: `${start}\u{10ffff}` }),
    knownTargets(db),
    distinctValues(db, sql`changes`, sql`project_id`, { from: '', to: '\u{10ffff}' }),
  ])
  return { labels: facets.map((facet) => facet.slice(start.length)), targets, projects }
}
