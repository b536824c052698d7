import { type Expression, type QueryCreator, sql } from 'kysely'
import { openingChanges } from './changes.ts'
import { type Db, isPostgres } from './client.ts'
import { eventColumns } from './columns.ts'
import type { ChangeRow, Database, EventRow } from './schema.ts'

/**
 * Which of these are stored already (dedupe key to event id), and the changes that already tell of these edits (twin
 * key to change id).
 */
export async function storedEvents(
  db: Db,
  { dedupeKeys, twinKeys }: { dedupeKeys: string[]; twinKeys: string[] },
): Promise<{ events: Map<string, string>; twins: Map<string, string> }> {
  const rows = await db
    .selectFrom('events')
    .select(['dedupe_key', 'twin_key', 'id', 'change_id'])
    .where((eb) => {
      const isStored = eb('dedupe_key', 'in', dedupeKeys)
      return twinKeys.length === 0 ? isStored : eb.or([isStored, eb('twin_key', 'in', twinKeys)])
    })
    .execute()
  return {
    events: new Map(rows.map((row) => [row.dedupe_key, row.id])),
    twins: new Map(rows.flatMap((row) => (row.twin_key === null ? [] : [[row.twin_key, row.change_id]]))),
  }
}

/** Of one event's row in a statement; a row of `changes` has as many. */
export const parametersOfEvent = 17

/** `change_id` may be found by the statement itself. */
type NewEvent = Omit<EventRow, 'change_id'> & { change_id: string | Expression<string> }

async function insertNew(db: QueryCreator<Database>, rows: NewEvent[]): Promise<Set<string>> {
  const inserted = await db
    .insertInto('events')
    .values(rows)
    .onConflict((c) => c.column('dedupe_key').doNothing())
    .returning('dedupe_key')
    .execute()
  return new Set(inserted.map((row) => row.dedupe_key))
}

/** Inserts those that are new; gives the dedupe keys that were. */
export const insertEvents = (db: Db, rows: EventRow[]): Promise<Set<string>> => insertNew(db, rows)

/** An event whose change may be open already under its key, with another id than `change_id`. */
export interface KeyedEvent {
  row: EventRow
  openKey: string | null
}

/**
 * Opens changes, or extends those that are open, and stores events under them; gives the dedupe keys that were new. On
 * Postgres it is one statement, whole by itself: each would be a round trip, as would a transaction's begin and end.
 */
export async function storeUnderChanges(
  db: Db,
  changes: ChangeRow[],
  events: KeyedEvent[],
): Promise<Set<string>> {
  const isOne = isPostgres(db) && changes.length > 0
  const open = sql.table(isOne ? 'opened' : 'changes')
  const rows = events.map(({ row, openKey }): NewEvent => {
    if (openKey === null) return row
    return { ...row, change_id: sql<string>`(select id from ${open} where open_key = ${openKey})` }
  })
  if (isOne)
    return insertNew(
      db.with('opened', (query) => openingChanges(query, changes)),
      rows,
    )
  if (changes.length > 0) await openingChanges(db, changes).execute()
  return insertNew(db, rows)
}

export async function eventsOfChange(db: Db, changeId: string): Promise<EventRow[]> {
  return db
    .selectFrom('events')
    .select(eventColumns)
    .where('change_id', '=', changeId)
    .orderBy('id')
    .execute()
}

export async function bodyOfEvent(db: Db, id: string): Promise<Uint8Array | null> {
  const row = await db.selectFrom('events').select('body').where('id', '=', id).executeTakeFirst()
  return row?.body ?? null
}

/** The source's own time of the newest event of a change; null: it has none. */
export async function newestOccurrence(db: Db, changeId: string): Promise<number | null> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('occurred_at').as('at'))
    .where('change_id', '=', changeId)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}
