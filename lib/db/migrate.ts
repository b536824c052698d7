import { sql, type Transaction } from 'kysely'
import * as start from './migrations/0001-start.ts'
import * as settleFailures from './migrations/0003-settle-failures.ts'
import * as dismissals from './migrations/0007-dismissals.ts'
import type { Database } from './schema.ts'

/** In the order of their numbers; listed by hand, because a bundle has no folder to read. */
const migrations = {
  '0001-start': start,
  '0003-settle-failures': settleFailures,
  '0007-dismissals': dismissals,
}

/** Where it is kept which of them were done: Kysely's own migrator, which needs a dozen queries more, knows it too. */
type Migrated = { kysely_migration: { name: string; timestamp: string } }

/** Any number that nothing else in the database locks. */
const migrationLock = 8_127_310_556

/**
 * Brings a store to the newest form. Of several that start at once, one does it and the others wait: in SQLite for
 * the transaction, in Postgres for a lock that ends with it. (A lock of the session would, behind a pooler in
 * transaction mode, stay on a connection that somebody else gets.) Throws where a newer relay was here before.
 */
export async function migrate(transaction: Transaction<Database>, isPostgres: boolean): Promise<void> {
  if (isPostgres) await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(transaction)
  await transaction.schema
    .createTable('kysely_migration')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (c) => c.notNull().primaryKey())
    .addColumn('timestamp', 'varchar(255)', (c) => c.notNull())
    .execute()
  const db = transaction.withTables<Migrated>()
  const rows = await db.selectFrom('kysely_migration').select('name').execute()
  const done = new Set(rows.map(({ name }) => name))
  for (const [name, { up }] of Object.entries(migrations)) {
    if (done.delete(name)) continue
    await up(transaction)
    await db.insertInto('kysely_migration').values({ name, timestamp: new Date().toISOString() }).execute()
  }
  const [newer] = done
  if (newer !== undefined) throw new Error(`The store is of a newer Prompt Relay, which knows ${newer}`)
}
