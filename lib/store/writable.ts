import { randomBytes } from 'node:crypto'
import type { Db } from './client.ts'

/**
 * Writes so many bytes and commits them, in place of what it wrote the last time. Throws where the store takes no
 * writes. A transaction that is rolled back would not do: SQLite goes to the disk when it commits. Random bytes, because
 * Postgres compresses others.
 */
export async function tryToWrite(db: Db, now: number, bytes: number): Promise<void> {
  const row = { name: 'probe', at: now, body: randomBytes(bytes) }
  await db
    .insertInto('write_probe')
    .values(row)
    .onConflict((c) => c.column('name').doUpdateSet({ at: row.at, body: row.body }))
    .execute()
}
