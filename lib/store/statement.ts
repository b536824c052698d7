import {
  CompiledQuery,
  type Expression,
  type RawBuilder,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import { type Db, isPostgres } from './client.ts'
import type { Database } from './schema.ts'

type Run<Row> = (db: Db, parameters: readonly unknown[]) => Promise<Row[]>

/**
 * A statement written out, with `?` for each parameter, for work that is done with every change. Kysely builds and prints a
 * tree each time, which takes longer than SQLite takes to run the statement; and a text that stays the same string keeps the
 * hash by which the prepared statement is found.
 */
export function statement<Row = never>(text: string): Run<Row> {
  let count = 0
  const numbered = text.replaceAll('?', () => `$${++count}`)
  return async (db, parameters) => {
    const query = CompiledQuery.raw(isPostgres(db) ? numbered : text, [...parameters])
    return (await db.executeQuery(query as CompiledQuery<Row>)).rows
  }
}

/** Inserts of more rows are rare and their texts long, so they are not kept. */
const maxKeptRows = 20

/** Inserts at least one row and at most as many as a statement may hold (`chunksOf`). `then`: the clause after `values`. */
export function insertion<Row extends object>(
  table: string,
  columns: readonly (keyof Row & string)[],
  then: string,
): (db: Db, rows: readonly Row[]) => Promise<void> {
  const one = `(${columns.map(() => '?').join()})`
  const ofRows = (count: number) =>
    statement(`insert into ${table} (${columns.join()}) values ${Array(count).fill(one).join()} ${then}`)
  const kept = new Map<number, Run<never>>()
  return async (db, rows) => {
    const run = kept.get(rows.length) ?? ofRows(rows.length)
    if (rows.length <= maxKeptRows) kept.set(rows.length, run)
    await run(
      db,
      rows.flatMap((row) => columns.map((column) => row[column])),
    )
  }
}

/** SQLite takes 32,766 parameters in one statement, Postgres 65,535. Half the smaller limit also keeps planning fast. */
const maxParameters = 16_000

/** Splits rows, in their order, into parts that one statement may hold. */
export function chunksOf<T>(rows: readonly T[], parametersPerRow: number): T[][] {
  const size = Math.max(1, Math.floor(maxParameters / parametersPerRow))
  const chunks: T[][] = []
  for (let start = 0; start < rows.length; start += size) chunks.push(rows.slice(start, start + size))
  return chunks
}

/**
 * Whether a row's `id` is among those of `due`, a query with a limit. On Postgres, rows that another transaction has locked
 * are skipped and the others locked. The query is in an array so that it runs once: with `in (…)` a plan may run it for each
 * row, each run skips what the one before locked, and together they take more than the limit.
 */
export function isAmong<Table extends keyof Database>(
  db: Db,
  due: SelectQueryBuilder<Database, Table, { id: string }>,
): Expression<SqlBool> {
  return isPostgres(db)
    ? sql<SqlBool>`id = any(array${due.forUpdate().skipLocked()})`
    : sql<SqlBool>`id in ${due}`
}

export type Sql = RawBuilder<unknown>

/** Counts for pages and metrics stop here, so that they cost the same however much is stored. */
export const maxCounted = 10_000

/** A subquery that counts these rows, up to `maxCounted`. */
export const boundedCount = (rows: Sql): Sql =>
  sql`(select count(*) from (${rows} limit ${sql.lit(maxCounted)}) as n)`

const maxDistinct = 200

/** The distinct values of an indexed column between two bounds, at most 200: one lookup each, however many rows have it. */
export async function distinctValues(
  db: Db,
  table: Sql,
  column: Sql,
  { from, to }: { from: string; to: string },
): Promise<string[]> {
  const { rows } = await sql<{ value: string }>`
    with recursive known(value) as (
      select min(${column}) from ${table} where ${column} >= ${from} and ${column} < ${to}
      union all
      select (select min(${column}) from ${table} where ${column} > known.value and ${column} < ${to})
      from known where known.value is not null
    ) select value from known where value is not null limit ${maxDistinct}`.execute(db)
  return rows.map(({ value }) => value)
}
