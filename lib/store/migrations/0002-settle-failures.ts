import type { Kysely } from 'kysely'

/** Without the tables of `schema.ts`, which later migrations change. */
type Store = Pick<Kysely<never>, 'schema'>

/** Changes that failed to settle: a table of their own, since there are hardly any. */
export async function up({ schema }: Store): Promise<void> {
  await schema
    .createTable('settle_failures')
    .addColumn('change_id', 'text', (c) => c.primaryKey())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .execute()
}
