import { type Kysely, sql } from 'kysely'

/**
 * Tables of their own: a column added to `deliveries` would break the prepared statements of an older version of the relay
 * that is still running.
 */
export async function up(db: Pick<Kysely<never>, 'schema' | 'getExecutor'>): Promise<void> {
  const isPostgres = db.getExecutor().adapter.supportsMultipleConnections !== false
  const { schema } = db
  await schema
    .createTable('dismissals')
    .addColumn('delivery_id', 'text', (c) => c.primaryKey())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('actor', 'text')
    .execute()
  await schema
    .createTable('write_probe')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('body', isPostgres ? sql`bytea` : sql`blob`, (c) => c.notNull())
    .execute()
}
