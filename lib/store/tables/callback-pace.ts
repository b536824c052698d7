import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { CallbackPaceRow } from '../schema.ts'

/** The counts of those keys whose window has not ended. */
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
 * Adds to the counts of these keys, each within its own window, and returns them. In the order of the keys, so that two
 * instances cannot deadlock.
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

/** Marks those of these items as taken that were not taken since `since` (epoch milliseconds), and returns them. */
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
