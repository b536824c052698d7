import type { Db } from '../client.ts'

/**
 * Ends a session for every copy of its cookie. Expired sessions need no row and are deleted. Times in epoch milliseconds.
 */
export async function noteEndedSession(
  db: Db,
  { id, expiresAt, now }: { id: string; expiresAt: number; now: number },
): Promise<void> {
  await db.deleteFrom('ended_sessions').where('expires_at', '<', now).execute()
  await db
    .insertInto('ended_sessions')
    .values({ id, expires_at: expiresAt })
    .onConflict((c) => c.column('id').doNothing())
    .execute()
}

export async function isEndedSession(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('ended_sessions').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}
