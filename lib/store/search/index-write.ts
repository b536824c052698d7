import { sql } from 'kysely'
import type { Change, ChangeDetail } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { facetsOf, type Marked, marksOf } from '../../core/list/facets.ts'
import { changeWords, wordsOf } from '../../core/list/search-words.ts'
import { type Db, isPostgres } from '../client.ts'
import { statement } from '../statement.ts'
import { changeById } from '../tables/changes.ts'

/** A change has two documents: 0 with its own words, 1 with the errors of its deliveries. */
export type DocumentPart = 0 | 1

const idForm = /^chg_[0-9a-f]{16}/

/**
 * The row of a change's document in SQLite's index, in the order of the ids. It is made of an id's 11 hex digits of time, 4
 * of the counter and one random one (64 bits, of which the time leaves four unused until 2109), and the part. Two changes
 * share a row only if two processes open them in the same millisecond at the same count, once in a million; then only the
 * later one is found.
 */
export function searchRow(changeId: string, part: DocumentPart): bigint {
  if (!idForm.test(changeId)) return BigInt(part)
  return BigInt.asIntN(64, (BigInt(`0x${changeId.slice(4, 20)}`) << 1n) | BigInt(part))
}

const addDocument = statement(`insert into search (change_id, part, words)
  values (?, ?, array_to_tsvector(?::text[]))
  on conflict (change_id, part) do update set words = excluded.words`)
const addWords = statement('insert or ignore into search_words select value from json_each(?)')
const addRow = statement('insert or replace into search (rowid, words) values (?, ?)')

/** Writes or replaces a document. In Postgres it also has the change's marks. */
async function indexDocument(
  db: Db,
  { id: changeId, ...change }: Marked & Pick<Change, 'id'>,
  part: DocumentPart,
  words: string[],
): Promise<void> {
  if (isPostgres(db)) {
    await addDocument(db, [changeId, part, [...words, ...marksOf(change)]])
    return
  }
  await addWords(db, [JSON.stringify(words)])
  await addRow(db, [searchRow(changeId, part), words.join(' ')])
}

const maxReasons = 50

/**
 * Makes changes findable by the errors of their attempts. In the order of their ids, so that two workers cannot deadlock.
 */
export async function indexErrors(db: Db, changeIds: Iterable<string>): Promise<void> {
  for (const id of [...new Set(changeIds)].toSorted()) {
    const rows = await db
      .selectFrom('deliveries as d')
      .innerJoin('attempts as a', 'a.delivery_id', 'd.id')
      .select(['d.target', 'a.reason'])
      .distinct()
      .where('d.change_id', '=', id)
      .where('a.reason', 'is not', null)
      .limit(maxReasons)
      .execute()
    const change = rows.length > 0 ? await changeById(db, id) : null
    if (!change) continue
    const texts = rows.flatMap(({ target, reason }) => [target, reason ?? ''])
    // With the names, so that "refund timeout" finds the prompt's failure.
    await indexDocument(db, change, 1, wordsOf([...texts, change.subject, change.title]))
  }
}

/** Makes a settled change findable by filters and search. */
export async function indexChange(
  db: Db,
  change: Pick<Change, 'id' | 'projectId' | 'subject' | 'title' | 'actor' | 'detail' | 'danger' | 'test'>,
  events: SourceEvent[],
): Promise<void> {
  await insertFacets(db, change.id, facetsOf(change))
  await indexDocument(db, change, 0, changeWords(change, events))
}

const addToPostgres = statement(
  'insert into change_facets (change_id, facet) select ?, unnest(?::text[]) on conflict do nothing',
)
const addToSqlite = statement(
  'insert or ignore into change_facets (change_id, facet) select ?, value from json_each(?)',
)

/** All facets are one parameter. */
async function insertFacets(db: Db, changeId: string, facets: string[]): Promise<void> {
  if (isPostgres(db)) await addToPostgres(db, [changeId, facets])
  else await addToSqlite(db, [changeId, JSON.stringify(facets)])
}

/** Removes changes from filters and search, before they are deleted. */
export async function forgetChanges(db: Db, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  const rows = await db
    .selectFrom('changes')
    .select(['id', 'project_id', 'subject', 'detail'])
    .where('id', 'in', ids)
    .execute()
  const facets = rows.flatMap(({ id, project_id, subject, detail }) => {
    const change = { projectId: project_id, subject, detail: JSON.parse(detail) as ChangeDetail }
    // All that it may ever have had, also by a version with a higher limit.
    return facetsOf(change, Number.POSITIVE_INFINITY).map((facet) => ({ facet, id }))
  })
  for (const [facet, of] of Map.groupBy(facets, (one) => one.facet)) {
    const changes = of.map(({ id }) => id)
    await db
      .deleteFrom('change_facets')
      .where('facet', '=', facet)
      .where('change_id', 'in', changes)
      .execute()
  }
  await forgetDocuments(db, ids)
}

async function forgetDocuments(db: Db, changeIds: string[]): Promise<void> {
  if (isPostgres(db)) {
    await sql`delete from search where change_id in (${sql.join(changeIds)})`.execute(db)
    return
  }
  const rows = changeIds.flatMap((id) => [searchRow(id, 0), searchRow(id, 1)])
  await sql`delete from search where rowid in (${sql.join(rows)})`.execute(db)
}
