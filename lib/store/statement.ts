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
 * A statement written out, with `?` for each parameter: for what is done with every change. The builder makes a tree and
 * prints it each time, which takes longer than SQLite takes to run it; and of a text that stays the same string, the hash
 * by which the prepared statement is found is known.
 */
export function statement<Row = never>(text: string): Run<Row> {
  let count = 0
  const numbered = text.replaceAll('?', () => `$${++count}`)
  return async (db, parameters) => {
    const query = CompiledQuery.raw(isPostgres(db) ? numbered : text, [...parameters])
    return (await db.executeQuery(query as CompiledQuery<Row>)).rows
  }
}

/** Inserts of more rows are rare, and their texts long. */
const maxKeptRows = 20

/** Rows into a table, as many as one statement may hold, at least one; `then`: what follows `values`. */
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

/** SQLite takes 32,766 parameters in one statement and Postgres 65,535; half of it, and a part is quick to plan too. */
const maxParameters = 16_000

/** What a statement may hold at once of any number of rows, at so many parameters a row: parts in their order. */
export function chunksOf<T>(rows: readonly T[], parametersPerRow: number): T[][] {
  const size = Math.max(1, Math.floor(maxParameters / parametersPerRow))
  const chunks: T[][] = []
  for (let start = 0; start < rows.length; start += size) chunks.push(rows.slice(start, start + size))
  return chunks
}

/**
 * Whether a row's `id` is among those of `due`, a query with a limit, that nobody else has locked; on Postgres they are
 * locked now. The query is in an array so that it runs once: with `in (…)` a plan may run it for each row, and each run
 * skips what the one before has locked, so that all of them together take more than the limit.
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

const maxDistinct = 200

/** The values in one column of an index between two others: one look-up for each, however many rows hold it. */
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

/** The targets of any delivery. */
export const knownTargets = (db: Db): Promise<string[]> =>
  distinctValues(db, sql`deliveries`, sql`target`, { from: '', to: '\u{10ffff}' })
