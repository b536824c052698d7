import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { DeliveryStatus } from '../schema.ts'
import { boundedCount } from '../statement.ts'
import { knownTargets } from '../tables/targets.ts'

export const countedStatuses = ['queued', 'sending', 'retrying', 'failed'] as const satisfies DeliveryStatus[]

export interface QueueDepth {
  target: string
  status: (typeof countedStatuses)[number]
  count: number
}

/** How many deliveries wait, are being sent or have failed, by target. */
export async function queueDepths(db: Db): Promise<QueueDepth[]> {
  const pairs = (await knownTargets(db)).flatMap((target) =>
    countedStatuses.map((status) => ({ target, status })),
  )
  if (pairs.length === 0) return []
  const each = pairs.map(
    ({ target, status }, i) =>
      sql`select ${sql.lit(i)} as place, ${boundedCount(
        sql`select 1 from deliveries where target = ${target} and status = ${sql.lit(status)}`,
      )} as count`,
  )
  const { rows } = await sql<{ place: number; count: number }>`${sql.join(each, sql` union all `)}`.execute(
    db,
  )
  const counts = new Map(rows.map(({ place, count }) => [Number(place), Number(count)]))
  return pairs.map((pair, i) => ({ ...pair, count: counts.get(i) ?? 0 }))
}

/** How many changes are not settled. */
export async function openChangeCount(db: Db): Promise<number> {
  const open = sql`select 1 from changes where next_at is not null`
  const { rows } = await sql<{ count: number }>`select ${boundedCount(open)} as count`.execute(db)
  return Number(rows[0]?.count ?? 0)
}
