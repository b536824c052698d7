import { type Kysely, sql } from 'kysely'

/** Without the tables of `schema.ts`, which later migrations change. */
type Store = Pick<Kysely<never>, 'schema' | 'getExecutor'>

export async function up(db: Store): Promise<void> {
  const isPostgres = db.getExecutor().adapter.supportsMultipleConnections !== false
  const bytes = isPostgres ? sql`bytea` : sql`blob`
  // Sorted by bytes, so that a name's beginning is a range of the index in any locale of the server.
  const byteText = isPostgres ? sql`text collate "C"` : sql`text`
  const { schema } = db

  await schema
    .createTable('changes')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('open_key', 'text', (c) => c.unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('project_id', 'text')
    .addColumn('subject', byteText, (c) => c.notNull())
    .addColumn('version', 'integer')
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('actor', 'text')
    .addColumn('danger', 'integer', (c) => c.notNull())
    .addColumn('test', 'integer', (c) => c.notNull())
    .addColumn('detail', 'text', (c) => c.notNull())
    .addColumn('event_count', 'integer', (c) => c.notNull())
    .addColumn('opened_at', 'bigint', (c) => c.notNull())
    .addColumn('due_at', 'bigint', (c) => c.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('settled_at', 'bigint')
    .execute()
  // Partial, so that the queue grows with the open work and not with the history.
  await sql`create index changes_next on changes (next_at) where next_at is not null`.execute(db)
  await schema.createIndex('changes_subject').unique().on('changes').columns(['subject', 'id']).execute()
  // Unique, as ids are, so that the planner knows that each of these indexes can answer a lookup by id.
  await schema.createIndex('changes_project').unique().on('changes').columns(['project_id', 'id']).execute()
  // With the flag as a column, or SQLite reads the row to see it.
  await sql`create unique index changes_danger on changes (danger, id) where danger = 1`.execute(db)
  await sql`create unique index changes_test on changes (test, id) where test = 1`.execute(db)

  await schema
    .createTable('events')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('dedupe_key', 'text', (c) => c.notNull().unique())
    .addColumn('twin_key', 'text')
    .addColumn('change_id', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('action', 'text')
    .addColumn('project_id', 'text')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('version', 'integer')
    .addColumn('occurred_at', 'bigint', (c) => c.notNull())
    .addColumn('received_at', 'bigint', (c) => c.notNull())
    .addColumn('headers', 'text', (c) => c.notNull())
    .addColumn('signature', 'text', (c) => c.notNull())
    .addColumn('secret_hint', 'text', (c) => c.notNull())
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('body', bytes, (c) => c.notNull())
    .execute()
  await schema.createIndex('events_change').on('events').column('change_id').execute()
  await sql`create index events_twin on events (twin_key) where twin_key is not null`.execute(db)

  await schema
    .createTable('prompt_versions')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('prompt_id', 'text')
    .addColumn('labels', 'text', (c) => c.notNull())
    .addColumn('tags', 'text', (c) => c.notNull())
    .addColumn('prompt_type', 'text')
    .addColumn('commit_message', 'text')
    .addColumn('created_by', 'text')
    .addColumn('updated_at', 'bigint')
    .addColumn('deleted', 'integer', (c) => c.notNull())
    .addColumn('content', bytes)
    .addPrimaryKeyConstraint('prompt_versions_pk', ['project_id', 'name', 'version'])
    .execute()
  // Of thousands of versions few have a label.
  const labelled = sql`prompt_versions (project_id, name) where labels <> '[]'`
  await sql`create index prompt_versions_labelled on ${labelled}`.execute(db)

  await schema
    .createTable('deliveries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('change_id', 'text', (c) => c.notNull())
    .addColumn('target', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('rule', 'text', (c) => c.notNull())
    .addColumn('fact', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('failures', 'integer', (c) => c.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('http_class', 'text')
    .addUniqueConstraint('deliveries_once', ['change_id', 'target'])
    .execute()
  await sql`create index deliveries_next on deliveries (target, next_at) where next_at is not null`.execute(
    db,
  )
  await schema
    .createIndex('deliveries_status')
    .unique()
    .on('deliveries')
    .columns(['target', 'status', 'change_id'])
    .execute()
  await sql`create unique index deliveries_sent on deliveries (target, change_id) where status <> 'skipped'`.execute(
    db,
  )
  await sql`create index deliveries_http on deliveries (http_class, change_id) where http_class is not null`.execute(
    db,
  )

  await sql`create table change_facets (facet ${byteText} not null, change_id text not null, primary key (facet, change_id))
    ${isPostgres ? sql`` : sql`without rowid`}`.execute(db)
  await createSearch(db, isPostgres)

  await schema
    .createTable('attempts')
    .addColumn('delivery_id', 'text', (c) => c.notNull())
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('duration_ms', 'integer', (c) => c.notNull())
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('status_code', 'integer')
    .addColumn('reason', 'text')
    .addColumn('request', 'text')
    .addColumn('response', 'text')
    .addPrimaryKeyConstraint('attempts_pk', ['delivery_id', 'number'])
    .execute()

  await schema
    .createTable('rejections')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('door', 'text', (c) => c.notNull())
    .addColumn('status_code', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('method', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addColumn('user_agent', 'text')
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('head', bytes, (c) => c.notNull())
    .execute()

  await schema
    .createTable('targets')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('failures', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('open_until', 'bigint')
    .addColumn('opened', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('next_slot_at', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('announced_at', 'bigint')
    .execute()

  await schema
    .createTable('replays')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('filter', 'text', (c) => c.notNull())
    .addColumn('mode', 'text', (c) => c.notNull())
    .addColumn('total', 'integer', (c) => c.notNull())
    .addColumn('until', 'text', (c) => c.notNull())
    .addColumn('after', 'text', (c) => c.notNull())
    .addColumn('done', 'integer', (c) => c.notNull())
    .addColumn('queued', 'integer', (c) => c.notNull())
    .addColumn('left', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('next_at', 'bigint')
    .addColumn('claim', 'integer', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('cancelled', 'integer', (c) => c.notNull())
    .execute()
  await sql`create index replays_next on replays (next_at) where next_at is not null`.execute(db)

  await createPolling(db)

  await schema
    .createTable('callback_pace')
    .addColumn('key', 'text', (c) => c.primaryKey())
    .addColumn('until', 'bigint', (c) => c.notNull())
    .addColumn('count', 'integer', (c) => c.notNull())
    .addColumn('taken_at', 'bigint', (c) => c.notNull())
    .execute()

  await schema
    .createTable('login_failures')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute()
  await schema.createIndex('login_failures_at').on('login_failures').columns(['address', 'at']).execute()

  await schema
    .createTable('ended_sessions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute()
}

async function createPolling({ schema }: Store): Promise<void> {
  await schema
    .createTable('polls')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('next_at', 'bigint', (c) => c.notNull())
    .addColumn('claim', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .execute()
  await schema
    .createTable('polled')
    .addColumn('key', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('told', 'integer', (c) => c.notNull())
    .addColumn('usage', 'text')
    .execute()
  await schema.createIndex('polled_at').on('polled').column('at').execute()
  await schema
    .createTable('usage')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('day', 'text', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('environment', 'text', (c) => c.notNull())
    .addColumn('generations', 'bigint', (c) => c.notNull())
    .addColumn('input', 'bigint', (c) => c.notNull())
    .addColumn('output', 'bigint', (c) => c.notNull())
    .addColumn('total', 'bigint', (c) => c.notNull())
    .addColumn('nano_usd', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('usage_pk', ['project_id', 'day', 'model', 'environment'])
    .execute()
}

/**
 * The engine's inverted index over the relay's own words. SQLite: FTS5 without text and positions, and a table of the words,
 * because FTS5 reads all postings of a prefix before it returns a row (250 ms for a word in half of 1,000,000 changes),
 * while it reads words that are named one by one lazily (1 ms). Postgres: `tsvector` with GIN. Of a row above 2 KB, all
 * words are stored out of line, so that the rows that GIN finds are on few pages; the pending list is short, because every
 * search reads it.
 */
async function createSearch(db: Store, isPostgres: boolean): Promise<void> {
  if (!isPostgres) {
    await sql`create virtual table search using fts5(
      words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii')`.execute(db)
    await sql`create table search_words (word text primary key) without rowid`.execute(db)
    return
  }
  await sql`create table search (
    change_id text not null, part smallint not null, words tsvector not null, primary key (change_id, part)
    ) with (toast_tuple_target = 128)`.execute(db)
  await sql`create index search_gin on search using gin (words) with (gin_pending_list_limit = 64)`.execute(
    db,
  )
}
