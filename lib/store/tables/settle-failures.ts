import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { SettleFailureRow } from '../schema.ts'

/** Records that a change failed to settle. Returns how often in a row, and since when. */
export async function noteFailure(
  db: Db,
  changeId: string,
  { at, reason }: { at: number; reason: string },
): Promise<Pick<SettleFailureRow, 'failures' | 'first_at'>> {
  return db
    .insertInto('settle_failures')
    .values({ change_id: changeId, failures: 1, first_at: at, last_at: at, reason })
    .onConflict((c) =>
      c.column('change_id').doUpdateSet({
        failures: sql`settle_failures.failures + 1`,
        last_at: (eb) => eb.ref('excluded.last_at'),
        reason: (eb) => eb.ref('excluded.reason'),
      }),
    )
    .returning(['failures', 'first_at'])
    .executeTakeFirstOrThrow()
}

/** How often in a row a change failed to settle. */
export async function failuresOf(db: Db, changeId: string): Promise<number> {
  const row = await db
    .selectFrom('settle_failures')
    .select('failures')
    .where('change_id', '=', changeId)
    .executeTakeFirst()
  return row?.failures ?? 0
}
