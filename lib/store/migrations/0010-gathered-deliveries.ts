import type { Kysely } from 'kysely'

/**
 * A table of its own: a column added to `deliveries` would break the prepared statements of an older version of the relay
 * that is still running.
 */
export async function up({ schema }: Pick<Kysely<never>, 'schema'>): Promise<void> {
  await schema
    .createTable('gathered_deliveries')
    .addColumn('delivery_id', 'text', (c) => c.primaryKey())
    .execute()
}
