import { type Kysely, sql } from 'kysely'

/** Without the tables of `schema.ts`, which later migrations change. */
type Store = Pick<Kysely<never>, 'schema' | 'getExecutor'>

/**
 * What is only inferred about a version: its deletion, and which labels it lost to a version that no event has named.
 * Nullable, because an older version of the relay goes on writing rows without these columns.
 */
export async function up(db: Store): Promise<void> {
  const { schema } = db
  await schema.alterTable('prompt_versions').addColumn('presumed', 'integer').execute()
  await schema.alterTable('prompt_versions').addColumn('strayed', 'text').execute()
  await sql`create index prompt_versions_strayed on prompt_versions (project_id, name)
    where strayed is not null`.execute(db)
}
