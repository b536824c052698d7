import { type Dialect, Kysely, sql } from 'kysely'
import { currentEnv } from '../base/current-env.ts'
import { log, thrown } from '../base/log.ts'
import { problemText } from '../base/problem.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import { type Migrations, migrations as ours } from './migrations/all.ts'
import type { Database } from './schema.ts'
import { sqliteDialect } from './sqlite.ts'

export type Db = Kysely<Database>

/**
 * Asks the adapter what it can do, not for its class: Next bundles Kysely once for pages and once for `instrumentation.ts`,
 * and the one handle of the process comes from either.
 */
export const isPostgres = (db: Pick<Db, 'getExecutor'>): boolean =>
  db.getExecutor().adapter.supportsMultipleConnections !== false

/** A store that answers but cannot be used as it is. The message says why, `fix` what to do. */
class UnusableStore extends Error {
  readonly fix: string
  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

/**
 * Opens the store (`file:<path>` or `postgres://…`) and brings it to the newest form in one transaction: of several
 * instances that start at once, one migrates and the others wait. Throws where the store cannot be reached, used or
 * migrated.
 */
export async function openDatabase(
  url: string,
  { isServerless = false, migrations = ours }: { isServerless?: boolean; migrations?: Migrations } = {},
): Promise<Db> {
  const db = new Kysely<Database>({ dialect: await dialectFor(url, { isServerless }) })
  try {
    if (isPostgres(db)) await requireUtf8(db)
    const pending = await pendingMigrations(db, migrations)
    if (pending === null || pending.length > 0) await migrateStore(db, url, { isServerless, migrations })
  } catch (error) {
    await db.destroy()
    throw error
  }
  return db
}

/** An index over a large table takes minutes to build, so Postgres migrates on a connection without a time limit. */
async function migrateStore(
  db: Db,
  url: string,
  { isServerless, migrations }: { isServerless: boolean; migrations: Migrations },
): Promise<void> {
  const how = { isPostgres: isPostgres(db), migrations }
  if (!how.isPostgres) return db.transaction().execute((transaction) => migrate(transaction, how))
  const unlimited = new Kysely<Database>({
    dialect: await dialectFor(url, { isServerless, queryTimeoutMs: 0 }),
  })
  try {
    await unlimited.transaction().execute((transaction) => migrate(transaction, how))
  } finally {
    await unlimited.destroy()
  }
}

/** Prompts come in any script; another encoding would refuse each event with a character it lacks. */
async function requireUtf8(db: Db): Promise<void> {
  const { rows } = await sql<{ encoding: string; name: string }>`
    select current_setting('server_encoding') as encoding, current_database() as name`.execute(db)
  const { encoding, name } = rows[0] ?? { encoding: 'unknown', name: '' }
  if (encoding === 'UTF8') return
  throw new UnusableStore(
    `The Postgres database ${name} has the encoding ${encoding}, which cannot hold every prompt; it must be UTF8`,
    `Make a new one and name it in DATABASE_URL: create database prompt_relay encoding 'UTF8' template template0. The encoding of an existing one cannot be changed.`,
  )
}

async function dialectFor(
  url: string,
  over: { isServerless: boolean; queryTimeoutMs?: number },
): Promise<Dialect> {
  if (url.startsWith('file:')) return sqliteDialect(url.slice('file:'.length))
  // Loaded only where it is used: it takes 20 ms.
  const { postgresDialect } = await import('./postgres.ts')
  const onError = (error: Error) => log('error', 'Postgres connection lost', thrown(error))
  return postgresDialect(url, { onError, ...over })
}

/** One handle for the process, although Next loads a module once for routes and once for `instrumentation.ts`. */
const shared = globalThis as typeof globalThis & { promptRelayDb?: Promise<Db> }

/** The store of the process, opened at first use. If that fails, the next use tries again. */
export function database(): Promise<Db> {
  shared.promptRelayDb ??= open().catch((error) => {
    shared.promptRelayDb = undefined
    throw error
  })
  return shared.promptRelayDb
}

async function open(): Promise<Db> {
  const { env, problems } = currentEnv()
  if (!env) throw new Error(`The configuration has problems: ${problems.map(problemText).join(' ')}`)
  return openDatabase(env.DATABASE_URL, { isServerless: Boolean(process.env.VERCEL) })
}
