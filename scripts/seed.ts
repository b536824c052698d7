/**
 * `node scripts/seed.ts --changes 1000000 [--url file:./data/seed.db] [--days 180]`: fills an empty store with the
 * changes of a busy team over the last days, with their events, deliveries and attempts.
 */
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import pg from 'pg'
import { marksOf } from '#lib/core/list/facets.ts'
import { type Db, isPostgres, openDatabase } from '#lib/store/client.ts'
import type { Database } from '#lib/store/schema.ts'
import { searchRow } from '#lib/store/search/index-write.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { type GeneratedChange, generateChange } from './seed-rows.ts'
import { randomFrom } from './seed-words.ts'

const batch = 2000
/** SQLite accepts 32,766 values in a statement. */
const rowsPerStatement = 500
const dayMs = 86_400_000
/** The newest changes are still being delivered. */
const freshCount = 200

type Table = 'changes' | 'events' | 'deliveries' | 'attempts' | 'change_facets'

async function insert<T extends Table>(db: Db, table: T, rows: Database[T][]): Promise<void> {
  if (isPostgres(db)) {
    const json = JSON.stringify(rows, (key, value) =>
      key === 'body' ? `\\x${Buffer.from(value).toString('hex')}` : value,
    )
    const into = sql.table(table)
    await sql`insert into ${into} select * from json_populate_recordset(null::${into}, ${json}::json)`.execute(
      db,
    )
    return
  }
  for (let i = 0; i < rows.length; i += rowsPerStatement) {
    await db
      .insertInto(table as 'changes')
      .values(rows.slice(i, i + rowsPerStatement) as Database['changes'][])
      .execute()
  }
}

async function insertDocuments(db: Db, changes: GeneratedChange[]): Promise<void> {
  if (isPostgres(db)) {
    const marked = changes.flatMap(({ change, documents }) => {
      const marks = marksOf(toChange(change))
      return documents.map(({ part, words }) => ({ id: change.id, part, words: [...words, ...marks] }))
    })
    await sql`insert into search select id, part, array_to_tsvector(words)
      from json_to_recordset(${JSON.stringify(marked)}::json) as r(id text, part smallint, words text[])`.execute(
      db,
    )
    return
  }
  const all = changes.flatMap(({ change, documents }) => documents.map((one) => ({ id: change.id, ...one })))
  const rows = all.map(({ id, part, words }) => [String(searchRow(id, part)), words.join(' ')])
  const words = [...new Set(all.flatMap((one) => one.words))]
  await sql`insert or ignore into search_words select value from json_each(${JSON.stringify(words)})`.execute(
    db,
  )
  await sql`insert into search (rowid, words)
    select cast(value ->> 0 as integer), value ->> 1 from json_each(${JSON.stringify(rows)})`.execute(db)
}

/** Writes the changes with everything that lists and search read. */
export async function insertChanges(db: Db, changes: GeneratedChange[]): Promise<void> {
  const facets = changes.flatMap((one) => one.facets.map((facet) => ({ facet, change_id: one.change.id })))
  await db.transaction().execute(async (trx) => {
    await insert(
      trx,
      'changes',
      changes.map(({ change }) => change),
    )
    await insert(
      trx,
      'events',
      changes.flatMap(({ events }) => events),
    )
    await insert(
      trx,
      'deliveries',
      changes.flatMap(({ deliveries }) => deliveries),
    )
    await insert(
      trx,
      'attempts',
      changes.flatMap(({ attempts }) => attempts),
    )
    await insert(trx, 'change_facets', facets)
    await insertDocuments(trx, changes)
  })
}

/** Drops the indexes, which are built faster at the end; returns the statements that build them. */
async function dropIndexes(db: Db): Promise<string[]> {
  const all = isPostgres(db)
    ? sql<{ name: string; build: string }>`select indexname as name, indexdef as build from pg_indexes
        where schemaname = current_schema() and indexname not in (select conname from pg_constraint)`
    : sql<{ name: string; build: string }>`select name, sql as build from sqlite_master
        where type = 'index' and sql is not null`
  const { rows } = await all.execute(db)
  for (const { name } of rows) await sql`drop index ${sql.id(name)}`.execute(db)
  return rows.map(({ build }) => build)
}

/** Postgres on a connection of its own: queries of the store time out after 8 s. */
async function finish(db: Db, url: string, builds: string[]): Promise<void> {
  if (!isPostgres(db)) {
    for (const build of builds) await sql.raw(build).execute(db)
    await sql`pragma wal_checkpoint(truncate)`.execute(db)
    return
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`set maintenance_work_mem = '256MB'`)
  for (const build of [...builds, 'vacuum (analyze)']) await client.query(build)
  await client.end()
}

/** Fills an empty store. The same `seed` and `now` give the same changes, except for their ids. */
export async function seed(
  url: string,
  { changes, days, now, seed: start = 1 }: { changes: number; days: number; now: number; seed?: number },
): Promise<void> {
  const db = await openDatabase(url)
  const random = randomFrom(start)
  const step = (days * dayMs) / changes
  if (!isPostgres(db)) await sql`pragma synchronous = off`.execute(db)
  const builds = await dropIndexes(db)
  for (let done = 0; done < changes; done += batch) {
    const batchOf = Array.from({ length: Math.min(batch, changes - done) }, (_, i) => {
      const left = changes - done - i
      return generateChange({ random, at: Math.floor(now - left * step), isFresh: left <= freshCount })
    })
    await insertChanges(db, batchOf)
    if (done % 100_000 === 0) console.error(`${done} of ${changes}`)
  }
  await finish(db, url, builds)
  await db.destroy()
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      changes: { type: 'string', default: '1000000' },
      days: { type: 'string', default: '180' },
      url: { type: 'string', default: process.env.DATABASE_URL ?? 'file:./data/seed.db' },
    },
  })
  const started = Date.now()
  await seed(values.url, { changes: Number(values.changes), days: Number(values.days), now: started })
  console.log(`${values.changes} changes in ${Math.round((Date.now() - started) / 1000)} s`)
}
