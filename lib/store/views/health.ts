import type { WaitingSeen } from '../../core/setup/checks.ts'
import type { Db } from '../client.ts'
import { overdueChanges } from '../tables/changes.ts'

/** Since when the oldest delivery waits that was due before now (epoch milliseconds); null: none waits. */
async function oldestDue(db: Db, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('next_at', '<=', now)
    .executeTakeFirst()
  return row?.at ?? null
}

/** What waits now. */
export async function readWaiting(db: Db, now: number): Promise<WaitingSeen> {
  const deliverySince = await oldestDue(db, now)
  const { count, oldest, reason } = await overdueChanges(db, now)
  const times = [deliverySince, oldest].filter((at) => at !== null)
  return {
    since: times.length === 0 ? null : Math.min(...times),
    deliverySince,
    overdueChanges: Number(count),
    overdueSince: oldest,
    overdueReason: reason,
  }
}
