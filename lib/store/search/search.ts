import { sql } from 'kysely'
import {
  dangerFacet,
  folderFacet,
  markOf,
  projectFacet,
  promptFacet,
  testFacet,
} from '../../core/list/facets.ts'
import type { ListFilter } from '../../core/list/filter.ts'
import { type Term, termsOf } from '../../core/list/search-words.ts'
import type { Db } from '../client.ts'
import { searchRow } from './index-write.ts'
import { facetsWanted, isFolder, type Sql } from './sources.ts'

const idForm = /^(chg|evt|dlv)_[0-9a-f]*$/
const maxOfIds = 1000
const lastHex = 'g'

/**
 * The changes that an id leads to: of a change, an event or a delivery, whole or its beginning, or Langfuse's own id
 * of an event. Null: the query is no id. At most 1,000.
 */
export async function changesOfIds(db: Db, query: string): Promise<string[] | null> {
  const id = query.trim()
  if (/\s/.test(id)) return null
  const [, table] = idForm.exec(id) ?? []
  if (table === undefined) return changesOfSourceId(db, id)
  if (table === 'chg') {
    const ids = db
      .selectFrom('changes')
      .select('id')
      .where('id', '>=', id)
      .where('id', '<', id + lastHex)
    return (await ids.orderBy('id', 'desc').limit(maxOfIds).execute()).map((row) => row.id)
  }
  const rows = await db
    .selectFrom(table === 'evt' ? 'events' : 'deliveries')
    .select('change_id')
    .where('id', '>=', id)
    .where('id', '<', id + lastHex)
    .orderBy('id', 'desc')
    .limit(maxOfIds)
    .execute()
  return [...new Set(rows.map((row) => row.change_id))]
}

async function changesOfSourceId(db: Db, id: string): Promise<string[] | null> {
  const row = await db
    .selectFrom('events')
    .select('change_id')
    .where('dedupe_key', '=', `langfuse:${id}`)
    .executeTakeFirst()
  return row ? [row.change_id] : null
}

/**
 * What a `tsvector` must hold: all terms, and the marks of all parts of the filter that never change. So the index
 * finds no document that does not pass, but for what is asked of deliveries. Null: the query has no word. `isWhole`:
 * not what only begins with a word.
 */
export function postgresTerms({ q, ...filter }: ListFilter, { isWhole = false } = {}): Sql | null {
  const terms = termsOf(q ?? '')
  if (terms.length === 0) return null
  const words = terms.map(({ word, isBeginning }) => `'${word}'${isBeginning && !isWhole ? ':*' : ''}`)
  return sql`${[...words, ...markTerms(filter)].join(' & ')}::tsquery`
}

function markTerms(filter: Omit<ListFilter, 'q'>): string[] {
  const { prompt, project, danger, test } = filter
  const term = (facet: string) => `'${markOf(facet)}'`
  const facets = facetsWanted(filter)
  const terms = facets.length > 0 ? [`(${facets.map(term).join(' | ')})`] : []
  if (prompt !== null) terms.push(term(isFolder(prompt) ? folderFacet(prompt) : promptFacet(prompt)))
  if (project !== null) terms.push(term(projectFacet(project)))
  if (danger) terms.push(term(dangerFacet))
  if (test !== 'shown') terms.push(`${test === 'hidden' ? '!' : ''}${term(testFacet)}`)
  return terms
}

/** About how many documents hold the terms, as the planner thinks: the engine has no bounded count of them. */
export async function postgresEstimate(db: Db, terms: Sql): Promise<number> {
  const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) select 1 from search where words @@ ${terms}`.execute(db)
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** More words than this with one beginning cost more to name than to read (0.1 ms each, measured at 1,000,000). */
const maxNamed = 400

/** The FTS5 expression for all terms; null: nothing can match it, because a word of it was never seen. */
export async function sqliteTerms(db: Db, query: string): Promise<string | null> {
  const terms = termsOf(query)
  const parts = await Promise.all(terms.map((term) => sqliteTerm(db, term)))
  return parts.length === 0 || parts.includes(null) ? null : parts.join(' AND ')
}

async function sqliteTerm(db: Db, { word, isBeginning }: Term): Promise<string | null> {
  if (!isBeginning) return `"${word}"`
  const rows = await db
    .selectFrom('search_words')
    .select('word')
    .where('word', '>=', word)
    .where('word', '<', `${word}\u{10ffff}`)
    .limit(maxNamed + 1)
    .execute()
  if (rows.length > maxNamed) return `"${word}"*`
  return rows.length === 0 ? null : `(${rows.map((row) => `"${row.word}"`).join(' OR ')})`
}

/** Beyond this, one pass over all that match is quicker than one look-up for each. */
const maxLookups = 200

/** Those of these changes that match, in their order. */
export async function sqliteMatching(db: Db, expression: string, ids: string[]): Promise<string[]> {
  const rowOf = (id: string) => searchRow(id, 0)
  const rows = JSON.stringify(ids.flatMap((id) => [String(rowOf(id)), String(searchRow(id, 1))]))
  const row = ids.length <= maxLookups ? sql`rowid` : sql`+rowid`
  const found = await sql<{ half: string }>`
    select cast(rowid >> 1 as text) as half from search where search match ${expression}
    and ${row} in (select cast(value as integer) from json_each(${rows}))`.execute(db)
  const halves = new Set(found.rows.map(({ half }) => half))
  return ids.filter((id) => halves.has(String(rowOf(id) >> 1n)))
}
