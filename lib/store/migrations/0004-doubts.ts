import { type Kysely, sql } from 'kysely'

/** Whatever its tables are: later ones know others. */
type Store = Pick<Kysely<never>, 'schema' | 'getExecutor'>

/**
 * What is known of a version by inference only, or is not known: whether its deletion was only inferred, and which labels
 * left it for a version that no event told. Nullable: an older version goes on writing rows without.
 */
export async function up(db: Store): Promise<void> {
  const { schema } = db
  await schema.alterTable('prompt_versions').addColumn('presumed', 'integer').execute()
  await schema.alterTable('prompt_versions').addColumn('strayed', 'text').execute()
  await sql`create index prompt_versions_strayed on prompt_versions (project_id, name)
    where strayed is not null`.execute(db)
}
