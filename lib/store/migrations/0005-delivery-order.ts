import { type Kysely, sql } from 'kysely'

/**
 * Tables of their own: a column added to `deliveries` or `targets` would break the prepared statements of an older version
 * of the relay that is still running.
 */
export async function up(db: Pick<Kysely<never>, 'schema' | 'getExecutor'>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('delivery_orders')
    .addColumn('delivery_id', 'text', (c) => c.primaryKey())
    .addColumn('target', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute()
  await sql`create index delivery_orders_key on delivery_orders (target, key, at)`.execute(db)
  await schema
    .createTable('target_limits')
    .addColumn('target', 'text', (c) => c.primaryKey())
    .addColumn('since', 'bigint')
    .addColumn('until', 'bigint')
    .addColumn('waits', 'integer', (c) => c.notNull())
    .addColumn('send_window', 'integer', (c) => c.notNull())
    .execute()
}
