import type { Db } from './client.ts'
import type { EventRow } from './schema.ts'

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
