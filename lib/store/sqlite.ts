import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type Dialect, SqliteDialect, type SqliteStatement } from 'kysely'
import { RecentMap } from '../base/recent-map.ts'

const maxStatements = 500

function adapt(statement: StatementSync, sql: string): SqliteStatement {
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
  return {
    // `run` makes a single step, in which `incremental_vacuum`, which has no columns, frees only one page.
    reader: statement.columns().length > 0 || sql.startsWith('pragma'),
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  }
}

/**
 * A full disk and some other errors end the transaction by themselves. A rollback after that would fail, and its error would
 * hide the cause.
 */
function rollback(db: DatabaseSync): SqliteStatement {
  const statement = adapt(db.prepare('rollback'), 'rollback')
  const nothing = { changes: 0, lastInsertRowid: 0 }
  return { ...statement, run: (parameters) => (db.isTransaction ? statement.run(parameters) : nothing) }
}

/**
 * Node's built-in SQLite. WAL with `synchronous=FULL`: a commit survives a power loss, and readers do not wait. `begin
 * immediate`, because a transaction that reads first and then writes fails at once if another process wrote in between
 * (SQLITE_BUSY_SNAPSHOT); this way it waits for the lock.
 */
export function sqliteDialect(path: string): Dialect {
  return new SqliteDialect({
    database: async () => {
      mkdirSync(dirname(path), { recursive: true })
      const db = new DatabaseSync(path, { timeout: 5000 })
      // auto_vacuum first: it takes effect only before the first page of the file, which journal_mode writes.
      db.exec('pragma auto_vacuum = incremental; pragma journal_mode = wal; pragma synchronous = full')
      // 64 MB of pages, allocated as they are used. With the default 2 MB, a list of 1,000,000 changes takes three times as
      // long.
      db.exec('pragma cache_size = -65536')
      const prepared = new RecentMap<string, SqliteStatement>(maxStatements)
      return {
        close: () => db.close(),
        prepare: (text) => {
          const sql = text === 'begin' ? 'begin immediate' : text
          const known = prepared.get(sql)
          if (known) return known
          const statement = sql === 'rollback' ? rollback(db) : adapt(db.prepare(sql), sql)
          // A pragma may do its work while it is prepared, and nothing when it runs again.
          if (!sql.startsWith('pragma')) prepared.set(sql, statement)
          return statement
        },
      }
    },
  })
}
