import { CompiledQuery } from 'kysely'
import { type Db, isPostgres } from './client.ts'

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
