import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { RejectionRow } from '../schema.ts'

/** Anyone can cause a rejection, so their number is capped: the oldest are deleted. */
export const maxRejections = 10_000

export async function insertRejections(db: Db, rows: RejectionRow[], max = maxRejections): Promise<void> {
  await db.insertInto('rejections').values(rows).execute()
  await db
    .deleteFrom('rejections')
    .where('id', '<=', sql<string>`(select id from rejections order by id desc limit 1 offset ${max})`)
    .execute()
}
