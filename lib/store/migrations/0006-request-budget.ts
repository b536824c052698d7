import type { Kysely } from 'kysely'

/** How many requests were drawn of each project's budget in its current minute: polling and confirmations share it. */
export async function up({ schema }: Pick<Kysely<never>, 'schema'>): Promise<void> {
  await schema
    .createTable('request_budget')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('until', 'bigint', (c) => c.notNull())
    .addColumn('requests', 'integer', (c) => c.notNull())
    .addColumn('strangers', 'integer', (c) => c.notNull())
    .execute()
}
