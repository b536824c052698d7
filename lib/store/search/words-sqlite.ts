import { sql } from 'kysely'
import type { Db } from '../client.ts'
import { searchRow } from './index-write.ts'
import {
  type Counted,
  direction,
  idsFrom,
  maxLooked,
  remaining,
  type Span,
  smallest,
  tableOf,
  within,
} from './query.ts'
import { sqliteMatching, sqliteTerms } from './search.ts'
import { and, everything, keyOf, type ListPlan, onChanges, type Source, type Sql } from './sources.ts'

/** Up to here SQLite asks the search index about given changes; beyond, it asks about what the index gives. */
const maxAsked = 5000

export async function idsOfSqlite(db: Db, plan: ListPlan, query: string, span: Span): Promise<string[]> {
  const expression = await sqliteTerms(db, query)
  if (expression === null) return []
  const best = await smallest(db, plan, span, maxAsked)
  if (best.count <= maxAsked) {
    const candidates = await idsFrom(db, plan, best.source, { ...span, max: maxAsked })
    return (await sqliteMatching(db, expression, candidates)).slice(0, span.max)
  }
  const documents = sql`(select rowid from search as w where ${and(wordRows(expression, span))}
    order by rowid ${direction(span)})`
  const { id, where, from } = changesOf(documents, plan, best.source, span)
  const { rows } = await sql<{ id: string }>`select distinct ${id} as id from ${from} where ${where}
    order by w.rowid ${direction(span)} limit ${span.max}`.execute(db)
  return rows.map((row) => row.id)
}

const prefix = (row: Sql): Sql => sql`'chg_' || printf('%016x', ${row})`

/**
 * What passes of the changes of these documents (`w`). They are looked up where part of the filter is known, so that
 * what it leaves out is not looked at further.
 */
function changesOf(documents: Sql, plan: ListPlan, best: Source, span: Span) {
  const isRange = ({ branches: [first, ...others] }: Source) => first && !first.from && others.length === 0
  const source = [best, ...plan.sources].find(isRange) ?? everything
  const [branch = onChanges()] = source.branches
  const id = keyOf(branch)
  const names = sql`${id} >= ${prefix(sql`w.rowid >> 1`)} and ${id} < ${prefix(sql`(w.rowid >> 1) + 1`)}`
  // The plus keeps the cursor from being the bound of the look-up in place of the row's own: a scan for each row.
  const bounds = within(span, sql`+${id}`)
  return {
    id,
    from: sql`${documents} as w cross join ${tableOf(branch)} on ${names}`,
    where: and([...branch.where, ...bounds, ...remaining(plan, source.parts, id)]),
  }
}

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
  const best = await smallest(db, plan, span, maxAsked)
  if (best.count <= maxAsked) {
    const candidates = await idsFrom(db, plan, best.source, { ...span, max: maxAsked })
    const { length } = await sqliteMatching(db, expression, candidates)
    return { count: Math.min(length, span.max), isMore: length > span.max }
  }
  const documents = sql`(select rowid from search as w where ${and(wordRows(expression, span))}
    order by rowid desc limit ${maxLooked})`
  const { id, where, from } = changesOf(documents, plan, best.source, span)
  // This engine ends a `distinct` at its limit.
  const counted = await sql<{ count: number }>`select count(*) as count from (
    select distinct ${id} from ${from} where ${where} limit ${span.max + 1}) as p`.execute(db)
  const count = Number(counted.rows[0]?.count)
  if (count > span.max) return { count: span.max, isMore: true }
  const looked = await sql<{ count: number }>`select count(*) as count from ${documents} as w`.execute(db)
  return { count, isMore: Number(looked.rows[0]?.count) >= maxLooked }
}
