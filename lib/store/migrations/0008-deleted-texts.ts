import { type Kysely, sql } from 'kysely'

/** Since when a version is known to be deleted, so that its text can go `RETENTION_DAYS` later. */
export async function up(db: Pick<Kysely<never>, 'schema' | 'getExecutor'>): Promise<void> {
  await db.schema.alterTable('prompt_versions').addColumn('deleted_at', 'bigint').execute()
  // Of thousands of versions few are deleted and still have a text.
  await sql`create index prompt_versions_deleted on prompt_versions (deleted_at)
    where deleted = 1 and content is not null`.execute(db)
}
