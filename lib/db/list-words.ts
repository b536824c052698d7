import { sql } from 'kysely'
import type { Db } from './client.ts'
import {
  type Counted,
  countFrom,
  countPassing,
  idsFrom,
  mostLooked,
  remaining,
  type Span,
  smallest,
  tail,
  within,
} from './list-query.ts'
import { and, type ListPlan, type Sql } from './list-sources.ts'
import { postgresEstimate, postgresTerms, sqliteMatching, sqliteTerms } from './search.ts'
import { searchRow } from './search-write.ts'

/** Up to here SQLite asks the search index about given changes; beyond, it asks about what the index gives. */
const mostAsked = 5000
/**
 * So many of the newest documents are looked through before Postgres reads all that match from its index: 8 ms, where
 * a word in one of sixty at 1,000,000 changes takes ten times as long from the index, which has no order.
 */
const windowSize = 8000
/** So many documents Postgres reads for a count, and so many it lets the index name. */
const mostRead = 4000
const mostFound = 20_000
/** Where nothing else is asked, so many of them are enough for a count that ends at 1,000: 30 ms, each on its own page. */
const mostTaken = 1500

export async function idsOfSqlite(db: Db, plan: ListPlan, query: string, span: Span): Promise<string[]> {
  const expression = await sqliteTerms(db, query)
  if (expression === null) return []
  const best = await smallest(db, plan, span)
  if (best.count <= mostAsked) {
    const candidates = await idsFrom(db, plan, best.source, { ...span, most: mostAsked })
    return (await sqliteMatching(db, expression, candidates)).slice(0, span.most)
  }
  const rows = wordRows(expression, span)
  // The plus keeps the cursor from being the bound of the look-up in place of the row's own: a scan for each row.
  const key = sql`+s.id`
  const where = and([...rows, ...within(span, key), ...remaining(plan, [], sql`s.id`)])
  const { rows: found } = await sql<{ id: string }>`select distinct s.id as id from search as w
    cross join changes as s on ${namesChange} where ${where}
    order by w.rowid ${span.isBackwards ? sql`asc` : sql`desc`} limit ${span.most}`.execute(db)
  return found.map(({ id }) => id)
}

const prefix = (row: Sql): Sql => sql`'chg_' || printf('%016x', ${row})`
const namesChange = sql`s.id >= ${prefix(sql`w.rowid >> 1`)} and s.id < ${prefix(sql`(w.rowid >> 1) + 1`)}`

/** A bound's own row may hold other changes too: their ids are to be compared as well. */
function wordRows(expression: string, { above, below }: Span): Sql[] {
  const rows = [sql`search match ${expression}`]
  if (above !== null) rows.push(sql`w.rowid >= ${searchRow(above.padEnd(20, '0'), 0)}`)
  if (below !== null) rows.push(sql`w.rowid <= ${searchRow(below.padEnd(20, '0'), 1)}`)
  return rows
}

export async function countOfSqlite(db: Db, plan: ListPlan, query: string, span: Span): Promise<Counted> {
  const expression = await sqliteTerms(db, query)
  if (expression === null) return { count: 0, isMore: false }
  const best = await smallest(db, plan, span)
  if (best.count <= mostAsked) {
    const candidates = await idsFrom(db, plan, best.source, { ...span, most: mostAsked })
    const { length } = await sqliteMatching(db, expression, candidates)
    return { count: Math.min(length, span.most), isMore: length > span.most }
  }
  const looked = sql`select s.id from (select rowid from search as w where ${and(wordRows(expression, span))}
    order by rowid desc limit ${mostLooked}) as w cross join changes as s on ${namesChange}
    where ${and(within(span, sql`+s.id`))}`
  return countPassing(db, looked, remaining(plan, [], sql`u.id`), span)
}

const has = (terms: Sql) => (key: Sql) =>
  sql`(select 1 from search as w where w.change_id = ${key} and w.words @@ ${terms} limit 1) = 1`

const withTerms = (plan: ListPlan, terms: Sql): ListPlan => ({
  ...plan,
  checks: new Map([...plan.checks, ['words', has(terms)]]),
})

/** A common word is soon found among the newest; a rare one is read whole from its index, which has no order. */
export async function idsOfPostgres(db: Db, plan: ListPlan, query: string, span: Span): Promise<string[]> {
  const terms = postgresTerms(query)
  if (terms === null) return []
  const best = await smallest(db, plan, span)
  const estimate = await postgresEstimate(db, terms)
  if (best.count <= estimate) return idsFrom(db, withTerms(plan, terms), best.source, span)
  if (estimate > windowSize) {
    const newest = await idsInWindow(db, plan, terms, span)
    if (newest) return newest
  }
  const id = sql`s.id`
  const { rows: found } = await sql<{ id: string }>`with found as materialized (${documents(terms, span)})
    select s.id from (select id from found order by id ${span.isBackwards ? sql`asc` : sql`desc`} offset 0) as s
    where ${and(remaining(plan, [], id))} ${tail(id, span)}`.execute(db)
  return found.map((row) => row.id)
}

/** The key is hidden from the planner: no other index than that of the words. */
const documents = (terms: Sql, span: Span): Sql => sql`select distinct change_id as id from search
  where words @@ ${terms} and ${and(within(span, sql`(change_id || '')`))}`

export async function countOfPostgres(db: Db, plan: ListPlan, query: string, span: Span): Promise<Counted> {
  const terms = postgresTerms(query)
  if (terms === null) return { count: 0, isMore: false }
  const best = await smallest(db, plan, span)
  const estimate = await postgresEstimate(db, terms)
  if (best.count <= estimate)
    return countFrom(db, withTerms(plan, terms), best.source, { ...span, look: mostRead })
  const conditions = remaining(plan, [], sql`u.id`)
  if (estimate <= mostFound) {
    // That it is no test is asked of almost every list, and almost always true.
    const look = conditions.length > 1 ? mostFound * 10 : mostTaken
    // Materialized, or a limit behind it makes the planner read the documents in the order of their ids.
    const all = sql`with a as materialized (select change_id as id from search
      where words @@ ${terms} and ${and(within(span, sql`(change_id || '')`))} limit ${look}) select id from a`
    return countPassing(db, all, conditions, { ...span, look })
  }
  const newest = sql`select change_id as id, words from search
    where ${and(within(span, sql`change_id`))} ${tail(sql`change_id`, { ...span, most: mostRead })}`
  return countPassing(db, newest, [sql`u.words @@ ${terms}`, ...conditions], { ...span, look: mostRead })
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
