import { type Kysely, sql } from 'kysely'

/** Whatever its tables are: later ones know others. */
type Store = Pick<Kysely<never>, 'schema' | 'getExecutor'>

/** Where the text of a version still is, until it is copied: the event that told it. */
export async function up(db: Store): Promise<void> {
  await db.schema.alterTable('prompt_versions').addColumn('content_event', 'text').execute()
  await sql`create index prompt_versions_to_copy on prompt_versions (content_event) where content_event is not null`.execute(
    db,
  )
}
