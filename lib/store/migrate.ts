import { type Kysely, sql, type Transaction } from 'kysely'
import type { Migrations } from './migrations/all.ts'
import type { Database } from './schema.ts'

/** The first version's table, which Kysely's own migrator shares: a version refuses a store with a name it does not know. */
type FirstTable = { kysely_migration: { name: string; timestamp: string } }
/** Beside it, what was added since, so that older versions open the store. `oldest`: what they must know to. */
type AddedTable = { migrations: { name: string; migrated_at: string; oldest: string } }

const first = '0001-start'

/** Any number that nothing else in the database locks. */
const migrationLock = 8_127_310_556
/**
 * A migration that waits for a table's lock holds up everybody who comes after it, and so waits no longer than this
 * (milliseconds); who opens the store tries again.
 */
const lockTimeoutMs = 4000

/**
 * What is still to be done to a store, in order; null: nothing was ever done. Throws where a newer version was here
 * whose store this one cannot use.
 */
export async function pendingMigrations(
  db: Kysely<Database>,
  migrations: Migrations,
): Promise<string[] | null> {
  const { rows } = await sql<{ name: string; oldest: string | null }>`
    select name, max(oldest) as oldest from (
      select name, cast(null as text) as oldest from kysely_migration
      union all select name, oldest from migrations
    ) as done group by name`
    .execute(db)
    .catch((error) => {
      if (isMissingTable(error)) return { rows: null }
      throw error
    })
  if (rows === null) return null
  const known = Object.keys(migrations)
  for (const { name, oldest } of rows) {
    if (known.includes(name) || (oldest !== null && known.includes(oldest))) continue
    const needs = oldest === null || oldest === name ? '' : `, which needs a version that knows ${oldest}`
    throw new Error(
      `The store was migrated by a newer Prompt Relay (${name})${needs}. Start that version, or a newer one`,
    )
  }
  const done = new Set(rows.map(({ name }) => name))
  return known.filter((name) => !done.has(name)).toSorted()
}

function isMissingTable(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return code === '42P01' || (code === 'ERR_SQLITE_ERROR' && /no such table/.test(String(message)))
}

/**
 * Brings a store to the newest form. Of several that start at once, one does it and the others wait: in SQLite for
 * the transaction, in Postgres for a lock that ends with it. (A lock of the session would, behind a pooler in
 * transaction mode, stay on a connection that somebody else gets.)
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
  const db = transaction.withTables<FirstTable & AddedTable>()
  for (const name of (await pendingMigrations(transaction, migrations)) ?? []) {
    const { up, oldest = first } = (await migrations[name]?.()) ?? {}
    await up?.(transaction)
    const at = new Date().toISOString()
    if (name !== first) await db.insertInto('migrations').values({ name, migrated_at: at, oldest }).execute()
    // The first version, which looks nowhere else, refuses what it cannot use.
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
