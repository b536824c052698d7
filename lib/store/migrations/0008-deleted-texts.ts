import { type Kysely, sql } from 'kysely'

/** When a version was found to be deleted, so that its text can be deleted `RETENTION_DAYS` later. */
export async function up(db: Pick<Kysely<never>, 'schema' | 'getExecutor'>): Promise<void> {
  await db.schema.alterTable('prompt_versions').addColumn('deleted_at', 'bigint').execute()
  // Few of thousands of versions are deleted and still have a text.
  await sql`create index prompt_versions_deleted on prompt_versions (deleted_at)
    where deleted = 1 and content is not null`.execute(db)
}
