import { type Dialect, Kysely } from 'kysely'
import { currentEnv } from '../current-env.ts'
import { log, thrown } from '../log.ts'
import { migrate } from './migrate.ts'
import type { Database } from './schema.ts'
import { sqliteDialect } from './sqlite.ts'

export type Db = Kysely<Database>

/**
 * Told by what the adapter can do, not by its class: Next bundles Kysely once for pages and once for
 * `instrumentation.ts`, and the process's one handle comes from either.
 */
export const isPostgres = (db: Pick<Db, 'getExecutor'>): boolean =>
  db.getExecutor().adapter.supportsMultipleConnections !== false

/**
 * Opens the store (`file:<path>` or `postgres://…`) and brings it to the newest form, in one transaction: of several
 * that start at once, one does it and the others wait. Throws where it cannot be reached or migrated.
 */
export async function openDatabase(url: string, { isServerless = false } = {}): Promise<Db> {
  const db = new Kysely<Database>({ dialect: await dialectFor(url, isServerless) })
  try {
    await db.transaction().execute((transaction) => migrate(transaction, isPostgres(db)))
  } catch (error) {
    await db.destroy()
    throw error
  }
  return db
}

async function dialectFor(url: string, isServerless: boolean): Promise<Dialect> {
  if (url.startsWith('file:')) return sqliteDialect(url.slice('file:'.length))
  // Only where it is used: 20 ms.
  const { postgresDialect } = await import('./postgres.ts')
  const onError = (error: Error) => log('error', 'Postgres connection lost', thrown(error))
  return postgresDialect(url, { isServerless, onError })
}

/** One handle for the whole process: Next loads a module once for routes and once for `instrumentation.ts`. */
const shared = globalThis as typeof globalThis & { promptRelayDb?: Promise<Db> }

/** The process's store, opened at first use. A failed opening is tried again at the next use. */
export function database(): Promise<Db> {
  shared.promptRelayDb ??= open().catch((error) => {
    shared.promptRelayDb = undefined
    throw error
  })
  return shared.promptRelayDb
}

async function open(): Promise<Db> {
  const { env, problems } = currentEnv()
  if (!env) throw new Error(`The configuration has problems: ${problems.join(' ')}`)
  return openDatabase(env.DATABASE_URL, { isServerless: Boolean(process.env.VERCEL) })
}
