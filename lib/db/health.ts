import type { Db } from './client.ts'

/** Since when the oldest delivery waits that was due before now (epoch milliseconds); null: none waits. */
export async function oldestDue(db: Db, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('next_at', '<=', now)
    .executeTakeFirst()
  return row?.at ?? null
}
