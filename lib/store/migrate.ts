import { type Kysely, sql, type Transaction } from 'kysely'
import type { Migrations } from './migrations/all.ts'
import type { Database } from './schema.ts'

/** What was done to a store. `oldest`: the migration that a version must know to open it. */
type OwnTable = { migrations: { name: string; migrated_at: string; oldest: string } }
/** The table of the first version, which used Kysely's migrator and refuses a store with a name that it does not know. */
type FirstTable = { kysely_migration: { name: string; timestamp: string } }

const first = '0001-start'

/** Any number that nothing else in the database locks. */
const migrationLock = 8_127_310_556
/**
 * A migration that waits for a table's lock blocks every later statement on that table, so it waits no longer than this
 * (milliseconds). The next opening tries again.
 */
const lockTimeoutMs = 4000

/**
 * The migrations that a store still needs, in order; null: the store is empty or was written by the first version. Throws
 * where a newer version changed the store in a way that this one cannot use.
 */
export async function pendingMigrations(
  db: Kysely<Database>,
  migrations: Migrations,
): Promise<string[] | null> {
  const done = await sql<OwnTable['migrations']>`select name, oldest from migrations`
    .execute(db)
    .catch((error) => {
      if (isMissingTable(error)) return null
      throw error
    })
  if (done === null) return null
  const known = Object.keys(migrations)
  for (const { name, oldest } of done.rows) {
    if (known.includes(name) || known.includes(oldest)) continue
    const needs = oldest === name ? '' : `, which needs a version that knows ${oldest}`
    throw new Error(
      `The store was migrated by a newer Prompt Relay (${name})${needs}. Start that version, or a newer one`,
    )
  }
  const names = new Set(done.rows.map(({ name }) => name))
  return known.filter((name) => !names.has(name)).toSorted()
}

function isMissingTable(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return code === '42P01' || (code === 'ERR_SQLITE_ERROR' && /no such table/.test(String(message)))
}

/**
 * Brings a store to the newest form. Of several instances that start at once, one does it and the others wait: in SQLite for
 * the transaction, in Postgres for a lock that ends with it. (Behind a pooler in transaction mode, a lock of the session
 * would stay on a connection that another client gets.)
 */
export async function migrate(
  transaction: Transaction<Database>,
  { isPostgres, migrations }: { isPostgres: boolean; migrations: Migrations },
): Promise<void> {
  if (isPostgres) {
    await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(transaction)
    await sql`set local lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(transaction)
  }
  await createTables(transaction)
  // A name that only the first version's table has may be opened only by versions that know it.
  await sql`insert into migrations (name, migrated_at, oldest) select name, timestamp, name from kysely_migration
    where name not in (select name from migrations)`.execute(transaction)
  const db = transaction.withTables<FirstTable & OwnTable>()
  for (const name of (await pendingMigrations(transaction, migrations)) ?? []) {
    const { up, oldest = first } = (await migrations[name]?.()) ?? {}
    await up?.(transaction)
    const at = new Date().toISOString()
    await db.insertInto('migrations').values({ name, migrated_at: at, oldest }).execute()
    // So that the first version opens a new store, and refuses one that it cannot use.
    if (name === first || oldest !== first)
      await db.insertInto('kysely_migration').values({ name, timestamp: at }).execute()
  }
}

async function createTables({ schema }: Transaction<Database>): Promise<void> {
  await schema
    .createTable('kysely_migration')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (c) => c.notNull().primaryKey())
    .addColumn('timestamp', 'varchar(255)', (c) => c.notNull())
    .execute()
  await schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('migrated_at', 'text', (c) => c.notNull())
    .addColumn('oldest', 'text', (c) => c.notNull())
    .execute()
}
