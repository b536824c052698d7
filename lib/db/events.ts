import type { Db } from './client.ts'
import type { EventRow } from './schema.ts'

/** Which of these are stored already: dedupe key to event id. */
export async function storedEvents(db: Db, dedupeKeys: string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('events')
    .select(['dedupe_key', 'id'])
    .where('dedupe_key', 'in', dedupeKeys)
    .execute()
  return new Map(rows.map((row) => [row.dedupe_key, row.id]))
}

/** The changes that already tell of these edits: twin key to change id. */
export async function changesOfTwins(db: Db, twinKeys: string[]): Promise<Map<string, string>> {
  if (twinKeys.length === 0) return new Map()
  const rows = await db
    .selectFrom('events')
    .select(['twin_key', 'change_id'])
    .where('twin_key', 'in', twinKeys)
    .execute()
  return new Map(rows.map((row) => [row.twin_key ?? '', row.change_id]))
}

/** Inserts those that are new; gives the dedupe keys that were. */
export async function insertEvents(db: Db, rows: EventRow[]): Promise<Set<string>> {
  const inserted = await db
    .insertInto('events')
    .values(rows)
    .onConflict((c) => c.column('dedupe_key').doNothing())
    .returning('dedupe_key')
    .execute()
  return new Set(inserted.map((row) => row.dedupe_key))
}

export async function eventsOfChange(db: Db, changeId: string): Promise<EventRow[]> {
  return db.selectFrom('events').selectAll().where('change_id', '=', changeId).orderBy('id').execute()
}

export async function bodyOfEvent(db: Db, id: string): Promise<Uint8Array | null> {
  const row = await db.selectFrom('events').select('body').where('id', '=', id).executeTakeFirst()
  return row?.body ?? null
}
