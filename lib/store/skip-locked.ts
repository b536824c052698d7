import { type Expression, type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import { type Db, isPostgres } from './client.ts'
import type { Database } from './schema.ts'

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
