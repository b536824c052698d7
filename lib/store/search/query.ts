import { sql } from 'kysely'
import type { Db } from '../client.ts'
import {
  and,
  type Branch,
  everything,
  keyOf,
  type ListPlan,
  type Part,
  type Source,
  type Sql,
} from './sources.ts'

/** Ids strictly between these, in this direction, up to `most`. */
export interface Span {
  above: string | null
  below: string | null
  isBackwards: boolean
  max: number
  /** For a count: how many are looked at. */
  look?: number
}

/** Up to here sources are counted, to start from the smallest. Counting so far takes 1 ms (SQLite) to 4 ms. */
const maxCounted = 20_000
/** So many changes of a source are looked at for a count: some 50 ms. */
export const maxLooked = 10_000
/** A change that comes up in more ranges than this counts for less in a count that ends. */
const maxRepeats = 4

/** `isMore`: at least so many; the rest was not looked at. */
export interface Counted {
  count: number
  isMore: boolean
}

export const within = ({ above, below }: Span, key: Sql): Sql[] => [
  ...(above === null ? [] : [sql`${key} > ${above}`]),
  ...(below === null ? [] : [sql`${key} < ${below}`]),
]

export const tableOf = ({ from, on }: Branch): Sql => from ?? sql`${sql.table(on)} as s`

/** What else must hold of a change that comes from a source of these parts. */
export const remaining = ({ checks }: ListPlan, parts: Part[], key: Sql): Sql[] =>
  [...checks].flatMap(([part, check]) => (parts.includes(part) ? [] : [check(key)]))

export const direction = ({ isBackwards }: Span): Sql => (isBackwards ? sql`asc` : sql`desc`)

export const tail = (key: Sql, span: Span): Sql => sql`order by ${key} ${direction(span)} limit ${span.max}`

const distinct = ({ repeats }: Branch): Sql => (repeats ? sql`distinct` : sql``)

function branchQuery(plan: ListPlan, { parts }: Source, branch: Branch, span: Span): Sql {
  const key = keyOf(branch)
  const where = and([...branch.where, ...within(span, key), ...remaining(plan, parts, key)])
  return sql`select ${distinct(branch)} ${key} as id
    from ${tableOf(branch)} where ${where} ${tail(key, span)}`
}

export async function idsFrom(db: Db, plan: ListPlan, source: Source, span: Span): Promise<string[]> {
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

/** The source to read from. The only one needs no counting. */
export async function bestSource(db: Db, plan: ListPlan, span: Span): Promise<Source> {
  const [first = everything, ...others] = plan.sources
  return others.length === 0 ? first : (await smallest(db, plan, span)).source
}

/**
 * The source with the fewest changes, and how many. `Infinity`: all have more than `most`. Then one of a single
 * range is best: it ends as soon as enough is found, while each of several ranges goes on until it has found enough.
 */
export async function smallest(
  db: Db,
  { sources }: ListPlan,
  span: Span,
  max = maxCounted,
): Promise<{ source: Source; count: number }> {
  const [first = everything] = sources
  const single = sources.find(({ branches }) => branches.length === 1)
  const usual = { source: single ?? first, count: Number.POSITIVE_INFINITY }
  if (sources.length === 0) return usual
  const counts = sources.map((source, i) => sql`(${countOf(source, span, max)}) as ${sql.ref(`c${i}`)}`)
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db)
  const counted = sources.map((source, i) => ({ source, count: Number(rows[0]?.[`c${i}`]) }))
  const [best] = counted.toSorted((a, b) => a.count - b.count)
  return best && best.count <= max ? best : usual
}

function countOf({ branches }: Source, span: Span, max: number): Sql {
  if (branches.length === 0) return sql`select 0`
  const each = branches.map((branch, i) => {
    const where = and([...branch.where, ...within(span, keyOf(branch))])
    return sql`select 1 from (select 1 from ${tableOf(branch)}
      where ${where} limit ${max + 1}) as ${sql.ref(`b${i}`)}`
  })
  return sql`select count(*) from (select 1 from (${sql.join(each, sql` union all `)}) as a
    limit ${max + 1}) as u`
}

/** Counts what passes, among the newest of the source. */
export async function countFrom(db: Db, plan: ListPlan, source: Source, span: Span): Promise<Counted> {
  if (source.branches.length === 0) return { count: 0, isMore: false }
  const look = span.look ?? maxLooked
  const each = source.branches.map((branch, i) => {
    const key = keyOf(branch)
    const where = and([...branch.where, ...within(span, key)])
    return sql`select id from (select ${distinct(branch)} ${key} as id from ${tableOf(branch)} where ${where}
      ${tail(key, { ...span, max: look })}) as ${sql.ref(`b${i}`)}`
  })
  const looked = sql`select id from (${sql.join(each, sql` union all `)}) as a limit ${look}`
  const conditions = remaining(plan, source.parts, sql`u.id`)
  const repeats = Math.min(source.branches.length, maxRepeats)
  return countPassing(db, { looked, repeats, conditions }, span)
}

export interface Looked {
  looked: Sql
  /** So often a change may be among them: the smaller, the less is looked at. */
  repeats: number
  /** On `u`, one of them. */
  conditions: Sql[]
}

/** Counts the different ids in `looked` for which all conditions hold. */
export async function countPassing(
  db: Db,
  { looked, repeats, conditions }: Looked,
  { max, look = maxLooked }: Span,
): Promise<Counted> {
  const enough = repeats * max
  const passing = sql`select u.id from (${looked}) as u where ${and(conditions)} limit ${enough + 1}`
  const { rows } = await sql<{ found: number; count: number }>`
    select count(*) as found, count(distinct id) as count from (${passing}) as p`.execute(db)
  const count = Number(rows[0]?.count)
  const found = Number(rows[0]?.found)
  if (count > max || found > enough) return { count: Math.min(count, max), isMore: true }
  if (conditions.length === 0) return { count, isMore: found >= look }
  const all = await sql<{ count: number }>`select count(*) as count from (${looked}) as u`.execute(db)
  return { count, isMore: Number(all.rows[0]?.count) >= look }
}
