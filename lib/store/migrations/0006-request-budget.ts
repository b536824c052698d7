import type { Kysely } from 'kysely'

/**
 * The requests drawn from each project's budget in its current minute, which polling and the confirmation of callbacks
 * share.
 */
export async function up({ schema }: Pick<Kysely<never>, 'schema'>): Promise<void> {
  await schema
    .createTable('request_budget')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('until', 'bigint', (c) => c.notNull())
    .addColumn('requests', 'integer', (c) => c.notNull())
    .addColumn('strangers', 'integer', (c) => c.notNull())
    .execute()
}
