import type { Kysely } from 'kysely'

/** Whatever its tables are: later ones know others. */
type Store = Pick<Kysely<never>, 'schema'>

/** Changes that failed to settle. A table of its own, since hardly any change ever does. */
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
