import { sql } from 'kysely'
import {
  dangerFacet,
  folderFacet,
  markOf,
  projectFacet,
  promptFacet,
  testFacet,
} from '../../core/list/facets.ts'
import type { ListFilter } from '../../core/list/filter.ts'
import { type Term, termsOf } from '../../core/list/search-words.ts'
import { type Db, isPostgres } from '../client.ts'
import type { Sql } from '../statement.ts'
import { searchRow } from './index-write.ts'
import {
  and,
  direction,
  everything,
  type Found,
  facetsOfFilter,
  fromRange,
  idOf,
  idsAmong,
  idsOfSource,
  isFolder,
  isSingleRange,
  type Plan,
  type Span,
  smallestSource,
  unchecked,
  within,
} from './plan.ts'

/** The changes with the words (or the id) of the search box, which also pass the rest of the filter. */
export async function idsOfSearch(
  db: Db,
  plan: Plan,
  filter: ListFilter & { q: string },
  span: Span,
): Promise<Found> {
  const named = await changesOfIds(db, filter.q)
  if (named) return idsAmong(db, plan, named, span)
  return isPostgres(db) ? idsOfPostgres(db, plan, filter, span) : idsOfSqlite(db, plan, filter.q, span)
}

const idForm = /^(chg|evt|dlv)_[0-9a-f]*$/
const maxOfIds = 1000
const lastHex = 'g'

/**
 * The changes that an id leads to: the id of a change, an event or a delivery, or its beginning, or Langfuse's own id of
 * an event. Null: the query is no id. At most 1,000.
 */
async function changesOfIds(db: Db, query: string): Promise<string[] | null> {
  const id = query.trim()
  if (/\s/.test(id)) return null
  const [, table] = idForm.exec(id) ?? []
  if (table === undefined) return changesOfSourceId(db, id)
  if (table === 'chg') {
    const ids = db
      .selectFrom('changes')
      .select('id')
      .where('id', '>=', id)
      .where('id', '<', id + lastHex)
    return (await ids.orderBy('id', 'desc').limit(maxOfIds).execute()).map((row) => row.id)
  }
  const rows = await db
    .selectFrom(table === 'evt' ? 'events' : 'deliveries')
    .select('change_id')
    .where('id', '>=', id)
    .where('id', '<', id + lastHex)
    .orderBy('id', 'desc')
    .limit(maxOfIds)
    .execute()
  return [...new Set(rows.map((row) => row.change_id))]
}

async function changesOfSourceId(db: Db, id: string): Promise<string[] | null> {
  const row = await db
    .selectFrom('events')
    .select('change_id')
    .where('dedupe_key', '=', `langfuse:${id}`)
    .executeTakeFirst()
  return row ? [row.change_id] : null
}

/**
 * What a `tsvector` must hold: all terms, and the marks of all parts of the filter that never change. Then the index
 * finds only documents that pass, apart from conditions on deliveries. Null: the query has no word.
 */
function postgresTerms({ q, ...filter }: ListFilter): Sql | null {
  const terms = termsOf(q ?? '')
  if (terms.length === 0) return null
  const words = terms.map(({ word, isBeginning }) => `'${word}'${isBeginning ? ':*' : ''}`)
  return sql`${[...words, ...markTerms(filter)].join(' & ')}::tsquery`
}

function markTerms(filter: Omit<ListFilter, 'q'>): string[] {
  const { prompt, project, danger, test } = filter
  const term = (facet: string) => `'${markOf(facet)}'`
  const facets = facetsOfFilter(filter)
  const terms = facets.length > 0 ? [`(${facets.map(term).join(' | ')})`] : []
  if (prompt !== null) terms.push(term(isFolder(prompt) ? folderFacet(prompt) : promptFacet(prompt)))
  if (project !== null) terms.push(term(projectFacet(project)))
  if (danger) terms.push(term(dangerFacet))
  if (test !== 'shown') terms.push(`${test === 'hidden' ? '!' : ''}${term(testFacet)}`)
  return terms
}

/** About how many documents hold the terms, as Postgres estimates: counting up to a limit would read all of them. */
async function estimatedDocuments(db: Db, terms: Sql): Promise<number> {
  const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) select 1 from search where words @@ ${terms}`.execute(db)
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** Up to this many changes of a source, Postgres checks each: 12 µs. */
const maxChecked = 1000
/**
 * What the index of words finds has no order and is read whole, 10 µs for each document. Where it would find more than
 * `fewDocuments`, the newest documents are read in the order of their ids instead, 2 µs each, and if they fill a part of the
 * page, as many more as the rest should take.
 */
const fewDocuments = 1000
const firstWindow = 8000
const widestWindow = 60_000
/**
 * A count reads them from the index up to here, since it needs no order, but fewer rows: each document is on its own page.
 */
const manyDocuments = 20_000
const maxDocuments = 4000
/** Enough for a count up to 1,000, if no document has yet to be checked. */
const maxUnchecked = 1500

async function idsOfPostgres(db: Db, plan: Plan, filter: ListFilter, wide: Span): Promise<Found> {
  const span = { ...wide, ...(wide.maxRows !== undefined && { maxRows: maxDocuments }) }
  const terms = postgresTerms(filter)
  if (terms === null) return { ids: [], isAll: true }
  const delivery = plan.delivery ? [plan.delivery] : []
  const best = await smallestSource(db, plan.sources, span)
  const estimate = await estimatedDocuments(db, terms)
  if (best.count <= Math.max(estimate, maxChecked)) {
    const holds = (id: Sql) =>
      sql`(select 1 from search as w where w.change_id = ${id} and w.words @@ ${terms} limit 1) = 1`
    return idsOfSource(db, [...delivery, holds], best, span)
  }
  const conditions = delivery.map((check) => check(sql`s.id`))
  const isCount = span.maxRows !== undefined && span.above === null && span.below === null
  if (estimate > (isCount ? manyDocuments : fewDocuments)) {
    const newest = await idsOfNewest(db, terms, conditions, span)
    if (newest.isAll || newest.ids.length === span.max || span.maxRows !== undefined) return newest
  }
  return idsOfIndex(db, terms, conditions, span)
}

async function idsOfNewest(
  db: Db,
  terms: Sql,
  conditions: Sql[],
  span: Span,
  size = firstWindow,
): Promise<Found> {
  const order = direction(span)
  const { rows } = await sql<{ id: string }>`select distinct s.id from (
      select change_id as id, words from search where ${and(within(span, sql`change_id`))}
      order by change_id ${order} limit ${size}
    ) as s where ${and([sql`s.words @@ ${terms}`, ...conditions])} order by s.id ${order} limit ${span.max}`.execute(
    db,
  )
  const ids = rows.map(({ id }) => id)
  if (ids.length === span.max) return { ids, isAll: false }
  const { rows: more } = await sql`select 1 from search where ${and(within(span, sql`change_id`))}
    offset ${size} limit 1`.execute(db)
  if (more.length === 0) return { ids, isAll: true }
  const needed = Math.ceil((1.5 * size * span.max) / ids.length)
  const isWorthMore = size === firstWindow && (needed <= widestWindow || span.maxRows !== undefined)
  if (!isWorthMore) return { ids, isAll: false }
  return idsOfNewest(db, terms, conditions, span, Math.min(needed, widestWindow))
}

async function idsOfIndex(db: Db, terms: Sql, conditions: Sql[], span: Span): Promise<Found> {
  const maxRows = conditions.length === 0 && span.maxRows !== undefined ? maxUnchecked : span.maxRows
  const limit = maxRows === undefined ? sql`` : sql`limit ${maxRows}`
  // Hidden in an expression, or Postgres reads the documents in the order of their ids.
  const bounds = within(span, sql`(change_id || '')`)
  const { rows } = await sql<{ id: string | null; count: number }>`with found as materialized (
      select change_id as id from search where ${and([sql`words @@ ${terms}`, ...bounds])} ${limit}
    )
    select s.id, n.count from (select count(*) as count from found) as n left join (
      select s.id from (select distinct id from found order by id ${direction(span)} offset 0) as s
      where ${and(conditions)} order by s.id ${direction(span)} limit ${span.max}
    ) as s on true`.execute(db)
  const ids = rows.flatMap(({ id }) => (id === null ? [] : [id]))
  const isLimited = maxRows !== undefined && Number(rows[0]?.count) >= maxRows
  return { ids, isAll: !isLimited && ids.length < span.max }
}

/** Naming more words than this with one beginning costs more than reading them (0.1 ms each, measured at 1,000,000). */
const maxNamed = 400

/** The FTS5 expression for all terms; null: nothing matches, because a word was never seen. */
async function sqliteTerms(db: Db, query: string): Promise<string | null> {
  const terms = await Promise.all(termsOf(query).map((term) => sqliteTerm(db, term)))
  return terms.length === 0 || terms.includes(null) ? null : terms.join(' AND ')
}

async function sqliteTerm(db: Db, { word, isBeginning }: Term): Promise<string | null> {
  if (!isBeginning) return `"${word}"`
  const rows = await db
    .selectFrom('search_words')
    .select('word')
    .where('word', '>=', word)
    .where('word', '<', `${word}\u{10ffff}`)
    .limit(maxNamed + 1)
    .execute()
  if (rows.length > maxNamed) return `"${word}"*`
  return rows.length === 0 ? null : `(${rows.map((row) => `"${row.word}"`).join(' OR ')})`
}

/**
 * Up to this many changes of a source, SQLite looks them up in its index of words; beyond, it checks what the index finds.
 */
const maxGiven = 5000

async function idsOfSqlite(db: Db, plan: Plan, query: string, span: Span): Promise<Found> {
  const expression = await sqliteTerms(db, query)
  if (expression === null) return { ids: [], isAll: true }
  const best = await smallestSource(db, plan.sources, span, maxGiven)
  if (best.count > maxGiven) return idsOfDocuments(db, plan, expression, span)
  const given = await idsOfSource(db, plan.checks, best, { ...span, max: maxGiven })
  const ids = await matching(db, expression, given.ids)
  return { ids: ids.slice(0, span.max), isAll: ids.length < span.max }
}

/** Beyond this, one pass over all matching documents is faster than a lookup for each change. */
const maxLookups = 200

/** Those of these changes that match, in their order. */
async function matching(db: Db, expression: string, ids: string[]): Promise<string[]> {
  const rows = JSON.stringify(ids.flatMap((id) => [String(searchRow(id, 0)), String(searchRow(id, 1))]))
  const row = ids.length <= maxLookups ? sql`rowid` : sql`+rowid`
  const found = await sql<{ half: string }>`
    select cast(rowid >> 1 as text) as half from search where search match ${expression}
    and ${row} in (select cast(value as integer) from json_each(${rows}))`.execute(db)
  const halves = new Set(found.rows.map(({ half }) => half))
  return ids.filter((id) => halves.has(String(searchRow(id, 0) >> 1n)))
}

const prefix = (row: Sql): Sql => sql`'chg_' || printf('%016x', ${row})`

/**
 * The changes of the matching documents, looked up in a range of the filter if it has a single one, which leaves out the
 * others.
 */
async function idsOfDocuments(db: Db, plan: Plan, expression: string, span: Span): Promise<Found> {
  const source = plan.sources.find(isSingleRange) ?? everything
  const [range] = source.ranges
  const limit = span.maxRows === undefined ? sql`` : sql`limit ${span.maxRows}`
  const order = direction(span)
  const documents = sql`(select rowid from search as w where ${and(documentRows(expression, span))}
    order by rowid ${order} ${limit})`
  const id = idOf(range)
  const named = sql`${id} >= ${prefix(sql`w.rowid >> 1`)} and ${id} < ${prefix(sql`(w.rowid >> 1) + 1`)}`
  // The plus keeps SQLite from using the cursor as the bound of the lookup in place of the document's row: a scan for each
  // row.
  const bounds = within(span, sql`+${id}`)
  const { rows } = await sql<{ id: string }>`select distinct ${id} as id
    from ${documents} as w cross join ${fromRange(range)}
    where ${and([named, ...range.where, ...bounds, ...unchecked(plan.checks, source, id)])}
    order by w.rowid ${order} limit ${span.max}`.execute(db)
  const ids = rows.map((row) => row.id)
  if (ids.length === span.max) return { ids, isAll: false }
  if (span.maxRows === undefined) return { ids, isAll: true }
  const counted = await sql<{ count: number }>`select count(*) as count from ${documents} as w`.execute(db)
  return { ids, isAll: Number(counted.rows[0]?.count) < span.maxRows }
}

/** Other changes may share the row of a bound, so ids are compared as well. */
function documentRows(expression: string, { above, below }: Span): Sql[] {
  const rows = [sql`search match ${expression}`]
  if (above !== null) rows.push(sql`w.rowid >= ${searchRow(above.padEnd(20, '0'), 0)}`)
  if (below !== null) rows.push(sql`w.rowid <= ${searchRow(below.padEnd(20, '0'), 1)}`)
  return rows
}
