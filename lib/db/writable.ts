import type { Db } from './client.ts'

/** Writes a row and takes it back. Throws where the store takes no writes. */
export async function tryToWrite(db: Db, now: number): Promise<void> {
  const trx = await db.startTransaction().execute()
  try {
    await trx.insertInto('ended_sessions').values({ id: 'try-to-write', expires_at: now }).execute()
  } finally {
    await trx.rollback().execute()
  }
}
