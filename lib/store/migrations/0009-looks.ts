import { type Kysely, sql } from 'kysely'

/** What comparing with Langfuse keeps: its progress for each project, its doubts for each prompt, and its counts. */
export async function up(db: Pick<Kysely<never>, 'schema' | 'getExecutor'>): Promise<void> {
  const { schema } = db
  await schema.alterTable('prompt_versions').addColumn('read_at', 'bigint').execute()
  await schema
    .createTable('looks')
    .addColumn('base_url', 'text', (c) => c.notNull())
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('requested', 'text')
    .addColumn('confirmed_at', 'bigint')
    .addColumn('outage', 'text')
    .addPrimaryKeyConstraint('looks_pk', ['base_url', 'project_id'])
    .execute()
  await schema
    .createTable('prompt_looks')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('full_name', 'text')
    .addColumn('seen', 'integer', (c) => c.notNull())
    .addColumn('labelled', 'integer', (c) => c.notNull())
    .addColumn('doubt', 'text')
    .addColumn('due_at', 'bigint')
    .addPrimaryKeyConstraint('prompt_looks_pk', ['project_id', 'name'])
    .execute()
  await sql`create index prompt_looks_due on prompt_looks (project_id, due_at) where due_at is not null`.execute(
    db,
  )
  await schema
    .createTable('reconcile_counts')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('what', 'text', (c) => c.notNull())
    .addColumn('count', 'bigint', (c) => c.notNull())
    .addColumn('first_at', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('reconcile_counts_pk', ['project_id', 'day', 'what'])
    .execute()
}
