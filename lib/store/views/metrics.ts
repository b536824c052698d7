import { sql } from 'kysely'
import type { Db } from '../client.ts'
import type { DeliveryStatus } from '../schema.ts'
import { knownTargets, type Sql } from '../statement.ts'

/** Counts stop here, so that a scrape costs the same however much waits: 10,000 entries of one index. */
export const maxCounted = 10_000

export const countedStatuses = ['queued', 'sending', 'retrying', 'failed'] as const satisfies DeliveryStatus[]

export interface QueueDepth {
  target: string
  status: (typeof countedStatuses)[number]
  count: number
}

const bounded = (rows: Sql): Sql => sql`(select count(*) from (${rows} limit ${sql.lit(maxCounted)}) as n)`

/** How many deliveries wait, are being sent or have failed, by target. */
export async function queueDepths(db: Db): Promise<QueueDepth[]> {
  const pairs = (await knownTargets(db)).flatMap((target) =>
    countedStatuses.map((status) => ({ target, status })),
  )
  if (pairs.length === 0) return []
  const each = pairs.map(
    ({ target, status }, i) =>
      sql`select ${sql.lit(i)} as place, ${bounded(
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
  const { rows } = await sql<{ count: number }>`select ${bounded(open)} as count`.execute(db)
  return Number(rows[0]?.count ?? 0)
}
