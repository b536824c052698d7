import { sql } from 'kysely'
import type { ListFilter } from '../../core/list/filter.ts'
import type { Db } from '../client.ts'
import {
  type Counted,
  countFrom,
  countPassing,
  direction,
  idsFrom,
  remaining,
  type Span,
  smallest,
  tail,
  within,
} from './query.ts'
import { postgresEstimate, postgresTerms } from './search.ts'
import { and, type ListPlan, type Sql } from './sources.ts'

/** A change has two documents at most. */
const repeats = 2
/** Up to so many changes of a source, Postgres looks each up: 12 µs. */
const maxWalked = 1000
/**
 * So many of the newest documents are looked through before Postgres reads all that match from its index, which has no
 * order: 4 to 13 ms. Where some match, but too few, as many more as it should take.
 */
const windowSize = 8000
const widestWindow = 60_000
/** So few are read from the index at once. */
const fewFound = 1000
/** So many documents Postgres reads for a count, and so many it lets the index name. */
const maxRead = 4000
const maxReadAll = 60_000
const maxFound = 20_000
/** Where nothing else is asked, so many of them are enough for a count that ends at 1,000: each is on its own page. */
const maxTaken = 1500

const has = (terms: Sql) => (key: Sql) =>
  sql`(select 1 from search as w where w.change_id = ${key} and w.words @@ ${terms} limit 1) = 1`

/** The terms hold all that never changes; what is left to check is what a delivery is. */
function withTerms({ sources, checks }: ListPlan, terms: Sql): ListPlan {
  const delivery = checks.get('delivery')
  return {
    sources,
    checks: new Map([...(delivery ? [['delivery', delivery] as const] : []), ['words', has(terms)]]),
  }
}

/** What else must hold of a document that holds the terms. */
const besideTerms = (plan: ListPlan, key: Sql): Sql[] => remaining(plan, ['words'], key)

/** From the newest while they are dense enough, else all that match from their index, which has no order. */
export async function idsOfPostgres(
  db: Db,
  all: ListPlan,
  filter: ListFilter,
  span: Span,
): Promise<string[]> {
  const terms = postgresTerms(filter)
  if (terms === null) return []
  const plan = withTerms(all, terms)
  const best = await smallest(db, plan, span)
  const estimate = await postgresEstimate(db, terms)
  if (best.count <= Math.max(estimate, maxWalked)) return idsFrom(db, plan, best.source, span)
  const newest = estimate > fewFound ? await idsOfNewest(db, plan, terms, span) : null
  if (newest) return newest
  const { rows } = await sql<{ id: string }>`with found as materialized (${documents(terms, span)})
    select s.id from (select id from found order by id ${direction(span)} offset 0) as s
    where ${and(besideTerms(plan, sql`s.id`))} ${tail(sql`s.id`, span)}`.execute(db)
  return rows.map(({ id }) => id)
}

/** The key is hidden from the planner: no other index than that of the words. */
const documents = (terms: Sql, span: Span): Sql => sql`select distinct change_id as id from search
  where words @@ ${terms} and ${and(within(span, sql`(change_id || '')`))}`

/** Null: there may be more behind what was looked through. */
async function idsOfNewest(db: Db, plan: ListPlan, terms: Sql, span: Span): Promise<string[] | null> {
  const { ids, isAll } = await idsAmong(db, plan, terms, span, windowSize)
  if (isAll || ids.length === span.max) return ids
  const needed = Math.ceil((1.5 * windowSize * span.max) / ids.length)
  if (needed > widestWindow) return null
  const wider = await idsAmong(db, plan, terms, span, needed)
  return wider.isAll || wider.ids.length === span.max ? wider.ids : null
}

/** Among so many documents, the first of the span in its direction. `isAll`: there are no more. */
async function idsAmong(db: Db, plan: ListPlan, terms: Sql, span: Span, size: number) {
  const id = sql`s.id`
  const window = sql`select change_id as id, words from search
    where ${and(within(span, sql`change_id`))} ${tail(sql`change_id`, { ...span, max: size })}`
  const { rows } = await sql<{ id: string }>`select distinct s.id from (${window}) as s
    where ${and([sql`s.words @@ ${terms}`, ...besideTerms(plan, id)])} ${tail(id, span)}`.execute(db)
  const ids = rows.map((row) => row.id)
  if (ids.length === span.max) return { ids, isAll: false }
  const { rows: behind } = await sql`select 1 from search where ${and(within(span, sql`change_id`))}
    offset ${size} limit 1`.execute(db)
  return { ids, isAll: behind.length === 0 }
}

export async function countOfPostgres(
  db: Db,
  all: ListPlan,
  filter: ListFilter,
  span: Span,
): Promise<Counted> {
  const terms = postgresTerms(filter)
  if (terms === null) return { count: 0, isMore: false }
  const plan = withTerms(all, terms)
  const best = await smallest(db, plan, span)
  const estimate = await postgresEstimate(db, terms)
  if (best.count <= Math.max(estimate, maxWalked))
    return countFrom(db, plan, best.source, { ...span, look: maxRead })
  // What the index finds has no order either: it would be read from the oldest on, past all that a time leaves out.
  const isBounded = span.above !== null || span.below !== null
  if (estimate > (isBounded ? fewFound : maxFound)) {
    const newest = await countOfNewest(db, plan, terms, { ...span, look: maxRead })
    if (!newest.isMore || newest.count === span.max) return newest
    const needed = Math.ceil((1.2 * maxRead * span.max) / Math.max(1, newest.count))
    return countOfNewest(db, plan, terms, { ...span, look: Math.min(needed, maxReadAll) })
  }
  // The index collects all that begins with a word before it gives the first (9 ms for 18,000; of the word itself 4 ms).
  const whole = estimate > maxTaken ? postgresTerms(filter, { isWhole: true }) : null
  const some = whole && (await countOfFound(db, plan, whole, span))
  return some?.count === span.max && some.isMore ? some : countOfFound(db, plan, terms, span)
}

async function countOfFound(db: Db, plan: ListPlan, terms: Sql, span: Span): Promise<Counted> {
  const conditions = besideTerms(plan, sql`u.id`)
  const look = conditions.length > 0 ? maxRead : maxTaken
  // Materialized, or a limit behind it makes the planner read the documents in the order of their ids.
  const looked = sql`with a as materialized (select change_id as id from search
    where words @@ ${terms} and ${and(within(span, sql`(change_id || '')`))} limit ${look}) select id from a`
  return countPassing(db, { looked, repeats, conditions }, { ...span, look })
}

async function countOfNewest(
  db: Db,
  plan: ListPlan,
  terms: Sql,
  span: Span & { look: number },
): Promise<Counted> {
  const looked = sql`select change_id as id, words from search
    where ${and(within(span, sql`change_id`))} ${tail(sql`change_id`, { ...span, max: span.look })}`
  const conditions = [sql`u.words @@ ${terms}`, ...besideTerms(plan, sql`u.id`)]
  return countPassing(db, { looked, repeats, conditions }, span)
}
