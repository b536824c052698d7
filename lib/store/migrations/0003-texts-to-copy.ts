import { type Kysely, sql } from 'kysely'

/** Without the tables of `schema.ts`, which later migrations change. */
type Store = Pick<Kysely<never>, 'schema' | 'getExecutor'>

/** The event whose body holds the text of a version, until it is copied. */
export async function up(db: Store): Promise<void> {
  await db.schema.alterTable('prompt_versions').addColumn('content_event', 'text').execute()
  await sql`create index prompt_versions_to_copy on prompt_versions (content_event) where content_event is not null`.execute(
    db,
  )
}
