import { sql } from 'kysely'
import { labelFacet } from '../facets.ts'
import { type ListFilter, timeRange } from '../list-filter.ts'
import { toChange } from './changes.ts'
import { type Db, isPostgres } from './client.ts'
import { type Cursor, deliveriesOf, type ListedChange, type Page } from './dashboard.ts'
import {
  and,
  type Branch,
  distinctFrom,
  everything,
  keyOf,
  knownTargets,
  type ListPlan,
  type Part,
  planList,
  type Source,
  type Sql,
  theseChanges,
} from './list-sources.ts'
import { changesOfIds, postgresEstimate, postgresTerms, sqliteMatching, sqliteTerms } from './search.ts'
import { searchRow } from './search-write.ts'

/** Ids strictly between these, in this direction, up to `most`. */
interface Span {
  above: string | null
  below: string | null
  isBackwards: boolean
  most: number
}

/** Up to here sources are counted, to start from the smallest. Counting so far takes 1 ms (SQLite) to 4 ms. */
const mostCounted = 20_000
/** Up to here SQLite asks the search index about given changes; beyond, it asks about what the index gives. */
const mostAsked = 5000
/** So many of the newest documents are looked through before Postgres reads all that match from its index. */
const windowSize = 1500

const idAt = (time: number): string => `chg_${Math.max(0, time).toString(16).padStart(11, '0')}`

const greatest = (a: string | null, b: string | null) => (a === null || (b !== null && b > a) ? b : a)
const least = (a: string | null, b: string | null) => (a === null || (b !== null && b < a) ? b : a)

function spanOf(filter: ListFilter, cursor: Cursor, most: number, now: number): Span {
  const { from, to } = timeRange(filter.time, now)
  return {
    above: greatest(cursor.after ?? null, from === null ? null : idAt(from)),
    below: least(cursor.before ?? null, to === null ? null : idAt(to + 1)),
    isBackwards: cursor.after !== undefined,
    most,
  }
}

const within = ({ above, below }: Span, key: Sql): Sql[] => [
  ...(above === null ? [] : [sql`${key} > ${above}`]),
  ...(below === null ? [] : [sql`${key} < ${below}`]),
]

/** What else must hold of a change that comes from a source of these parts. */
const remaining = ({ checks }: ListPlan, parts: Part[], key: Sql): Sql[] =>
  [...checks].flatMap(([part, check]) => (parts.includes(part) ? [] : [check(key)]))

const tail = (key: Sql, { isBackwards, most }: Span): Sql =>
  sql`order by ${key} ${isBackwards ? sql`asc` : sql`desc`} limit ${most}`

function branchQuery(plan: ListPlan, { parts }: Source, branch: Branch, span: Span): Sql {
  const key = keyOf(branch)
  const where = and([...branch.where, ...within(span, key), ...remaining(plan, parts, key)])
  return sql`select ${branch.repeats ? sql`distinct` : sql``} ${key} as id
    from ${branch.from ?? sql`${sql.table(branch.on)} as s`} where ${where} ${tail(key, span)}`
}

async function idsFrom(db: Db, plan: ListPlan, source: Source, span: Span): Promise<string[]> {
  const queries = source.branches.map((branch) => branchQuery(plan, source, branch, span))
  const [only] = queries
  if (only === undefined) return []
  const all = queries.map((query, i) => sql`select id from (${query}) as ${sql.ref(`b${i}`)}`)
  const query =
    queries.length === 1
      ? only
      : sql`select distinct id from (${sql.join(all, sql` union all `)}) as u ${tail(sql`id`, span)}`
  const { rows } = await sql<{ id: string }>`${query}`.execute(db)
  return rows.map(({ id }) => id)
}

/**
 * The source with the fewest changes, and how many. `Infinity`: all have more than are counted. Then one of a single
 * range is best: it ends as soon as enough is found, while each of several ranges goes on until it has found enough.
 */
async function smallest(
  db: Db,
  { sources }: ListPlan,
  span: Span,
): Promise<{ source: Source; count: number }> {
  const [first = everything] = sources
  const single = sources.find(({ branches }) => branches.length === 1)
  const usual = { source: single ?? first, count: Number.POSITIVE_INFINITY }
  if (sources.length === 0) return usual
  const counts = sources.map((source, i) => sql`(${countOf(source, span)}) as ${sql.ref(`c${i}`)}`)
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db)
  const counted = sources.map((source, i) => ({ source, count: Number(rows[0]?.[`c${i}`]) }))
  const [best] = counted.toSorted((a, b) => a.count - b.count)
  return best && best.count <= mostCounted ? best : usual
}

function countOf({ branches }: Source, span: Span): Sql {
  if (branches.length === 0) return sql`select 0`
  const each = branches.map((branch, i) => {
    const where = and([...branch.where, ...within(span, keyOf(branch))])
    return sql`select 1 from (select 1 from ${branch.from ?? sql`${sql.table(branch.on)} as s`}
      where ${where} limit ${mostCounted + 1}) as ${sql.ref(`b${i}`)}`
  })
  return sql`select count(*) from (${sql.join(each, sql` union all `)}) as u`
}

async function matchingIds(
  db: Db,
  { filter, now }: { filter: ListFilter; now: number },
  span: Span,
): Promise<string[]> {
  const plan = await planList(db, filter, now)
  if (filter.q === null) return idsFrom(db, plan, (await smallest(db, plan, span)).source, span)
  const named = await changesOfIds(db, filter.q)
  if (named) return idsFrom(db, plan, theseChanges(named), span)
  return isPostgres(db) ? idsOfPostgres(db, plan, filter.q, span) : idsOfSqlite(db, plan, filter.q, span)
}

async function idsOfSqlite(db: Db, plan: ListPlan, query: string, span: Span): Promise<string[]> {
  const expression = await sqliteTerms(db, query)
  if (expression === null) return []
  const best = await smallest(db, plan, span)
  if (best.count <= mostAsked) {
    const candidates = await idsFrom(db, plan, best.source, { ...span, most: mostAsked })
    return (await sqliteMatching(db, expression, candidates)).slice(0, span.most)
  }
  const { above, below, isBackwards, most } = span
  const rows = [sql`search match ${expression}`]
  // A cursor is a whole id, and its own row lies between: the ids are compared as well.
  if (above !== null) rows.push(sql`w.rowid >= ${searchRow(above.padEnd(20, '0'), 0)}`)
  if (below !== null) rows.push(sql`w.rowid <= ${searchRow(below.padEnd(20, '0'), 1)}`)
  const key = sql`s.id`
  const prefix = (row: Sql) => sql`'chg_' || printf('%016x', ${row})`
  const { rows: found } = await sql<{ id: string }>`select distinct s.id as id from search as w
    cross join changes as s on s.id >= ${prefix(sql`w.rowid >> 1`)} and s.id < ${prefix(sql`(w.rowid >> 1) + 1`)}
    where ${and([...rows, ...within(span, key), ...remaining(plan, [], key)])}
    order by w.rowid ${isBackwards ? sql`asc` : sql`desc`} limit ${most}`.execute(db)
  return found.map(({ id }) => id)
}

/** A common word is soon found among the newest; a rare one is read whole from its index, which has no order. */
async function idsOfPostgres(db: Db, plan: ListPlan, query: string, span: Span): Promise<string[]> {
  const terms = postgresTerms(query)
  if (terms === null) return []
  const has = (key: Sql) =>
    sql`(select 1 from search as w where w.change_id = ${key} and w.words @@ ${terms} limit 1) = 1`
  const best = await smallest(db, plan, span)
  const estimate = await postgresEstimate(db, terms)
  if (best.count <= estimate)
    return idsFrom(db, { ...plan, checks: new Map([...plan.checks, ['words', has]]) }, best.source, span)
  if (estimate > windowSize) {
    const newest = await idsInWindow(db, plan, terms, span)
    if (newest) return newest
  }
  // The key is hidden from the planner: no other index than that of the words.
  const rows = sql`select distinct change_id as id from search
    where words @@ ${terms} and ${and(within(span, sql`(change_id || '')`))}`
  const id = sql`s.id`
  const { rows: found } = await sql<{ id: string }>`with found as materialized (${rows})
    select s.id from (select id from found order by id ${span.isBackwards ? sql`asc` : sql`desc`} offset 0) as s
    where ${and(remaining(plan, [], id))} ${tail(id, span)}`.execute(db)
  return found.map((row) => row.id)
}

/** Null: there is more behind the window. */
async function idsInWindow(db: Db, plan: ListPlan, terms: Sql, span: Span): Promise<string[] | null> {
  const id = sql`s.id`
  const window = sql`select change_id as id, words from search
    where ${and(within(span, sql`change_id`))} ${tail(sql`change_id`, { ...span, most: windowSize })}`
  const { rows } = await sql<{ id: string }>`select distinct s.id from (${window}) as s
    where ${and([sql`s.words @@ ${terms}`, ...remaining(plan, [], id)])} ${tail(id, span)}`.execute(db)
  return rows.length < span.most ? null : rows.map((row) => row.id)
}

/** Postgres: compiling a plan takes longer than running it, and what is read whole is read by an index. */
async function planned<T>(db: Db, read: (db: Db) => Promise<T>): Promise<T> {
  if (!isPostgres(db)) return read(db)
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true)`.execute(trx)
    return read(trx)
  })
}

/**
 * One page of the changes that the filter lets through, newest first, each with its deliveries. `now`: epoch
 * milliseconds, for "the last hour" and for which circuits are open.
 */
export async function listFiltered(
  db: Db,
  asked: { filter: ListFilter; now: number },
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
  const rows = await db.selectFrom('changes').selectAll().where('id', 'in', ids).execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  const deliveries = await deliveriesOf(db, ids)
  return ids.flatMap((id) => {
    const row = byId.get(id)
    return row ? [{ change: toChange(row), deliveries: deliveries.get(id) ?? [] }] : []
  })
}

/** How many changes the filter lets through, counted up to `most`; `isMore`: and there are more. */
export async function countFiltered(
  db: Db,
  asked: { filter: ListFilter; now: number },
  most = 1000,
): Promise<{ count: number; isMore: boolean }> {
  const span = spanOf(asked.filter, {}, most + 1, asked.now)
  const ids = await planned(db, (reader) => matchingIds(reader, asked, span))
  return { count: Math.min(ids.length, most), isMore: ids.length > most }
}

/** The ids of up to `most` changes that the filter lets through, oldest first, after the one named (`''`: from the first). */
export async function idsAfter(
  db: Db,
  asked: { filter: ListFilter; now: number },
  after: string,
  most: number,
): Promise<string[]> {
  const span = spanOf(asked.filter, { after }, most, asked.now)
  return planned(db, (reader) => matchingIds(reader, asked, span))
}

/** What a filter can be set to: labels, targets and projects that any change has had; the first 200 of each. */
export async function filterChoices(
  db: Db,
): Promise<{ labels: string[]; targets: string[]; projects: string[] }> {
  const start = labelFacet('')
  const facets = await distinctFrom(db, sql`change_facets`, sql`facet`, {
    from: start,
    to: `${start}\u{10ffff}`,
  })
  const projects = await distinctFrom(db, sql`changes`, sql`project_id`, { from: '', to: '\u{10ffff}' })
  const labels = facets.map((facet) => facet.slice(start.length))
  return { labels, targets: await knownTargets(db), projects }
}
