import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { CallbackPaceRow } from '../schema.ts'

/** How the counts of these keys stand, of those whose window has not ended. */
export async function paceOf(
  db: Db,
  keys: string[],
  now: number,
): Promise<Pick<CallbackPaceRow, 'key' | 'until' | 'count'>[]> {
  return db
    .selectFrom('callback_pace')
    .select(['key', 'until', 'count'])
    .where('key', 'in', keys)
    .where('until', '>', now)
    .execute()
}

/**
 * Adds to the counts of these keys, each within its own window, and gives how they stand. In the order of the keys,
 * so that two instances never wait for each other in a circle.
 */
export async function countCallbacks(
  db: Db,
  rows: Pick<CallbackPaceRow, 'key' | 'until' | 'count'>[],
  now: number,
): Promise<Pick<CallbackPaceRow, 'key' | 'until' | 'count'>[]> {
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return db
    .insertInto('callback_pace')
    .values(sorted.map((row) => ({ ...row, taken_at: 0 })))
    .onConflict((c) =>
      c.column('key').doUpdateSet({
        count: sql`excluded.count + case when callback_pace.until > ${now} then callback_pace.count else 0 end`,
        until: sql`case when callback_pace.until > ${now} then callback_pace.until else excluded.until end`,
      }),
    )
    .returning(['key', 'until', 'count'])
    .execute()
}

/** Which of these were not taken since `since`, epoch milliseconds; they are now. */
export async function takeItems(db: Db, keys: string[], since: number, now: number): Promise<Set<string>> {
  const taken = new Set<string>()
  for (const key of keys.toSorted()) {
    const row = await db
      .updateTable('callback_pace')
      .set({ taken_at: now })
      .where('key', '=', key)
      .where('taken_at', '<=', since)
      .returning('key')
      .executeTakeFirst()
    if (row) taken.add(key)
  }
  return taken
}

export async function forgetCallbackPace(db: Db, now: number): Promise<void> {
  await db.deleteFrom('callback_pace').where('until', '<=', now).execute()
}
