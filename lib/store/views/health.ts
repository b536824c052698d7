import { sql } from 'kysely'
import { firstIdAt } from '../../base/id.ts'
import type { WaitingSeen } from '../../core/setup/checks.ts'
import type { WatchState } from '../../core/trouble/watch.ts'
import type { Db } from '../client.ts'
import { boundedCount, type Sql } from '../statement.ts'
import { overdueChanges } from '../tables/changes.ts'
import { knownTargets, openCircuits } from '../tables/targets.ts'
import { readWatch } from '../tables/watch.ts'
import { type OpenFailures, openFailures } from './open-failures.ts'

/** Deliveries of the changes of the last 24 hours, each number counted up to `maxCounted`. */
export interface TargetHealth {
  target: string
  delivered: number
  failed: number
  /** They failed and will be tried again. */
  retrying: number
}

/** Times in epoch milliseconds. */
export interface Health extends Pick<WatchState, 'answeredAt' | 'changedAt' | 'troubles'> {
  lastSignedAt: number | null
  /** Since when the oldest delivery, or change that should have settled, has been waiting; null: nothing waits. */
  waitingSince: number | null
  /** Changes that should have settled; `reason`: the newest error. */
  overdue: { count: number; since: number | null; reason: string | null }
  /** Only targets that have some. */
  openFailures: OpenFailures[]
  targets: TargetHealth[]
  circuits: { target: string; until: number }[]
}

/** Enough to find a webhook: the relay's own alerts are events too, but few. */
const newestEvents = 1000
const dayMs = 86_400_000

/** The state of the relay. Each part reads a short range of one index, however much is stored. */
export async function readHealth(db: Db, now: number): Promise<Health> {
  const targets = await knownTargets(db)
  const [circuits, watched, signedAt, waiting, health, failures, overdue] = await Promise.all([
    openCircuits(db, now),
    readWatch(db),
    lastSignedAt(db),
    waitingSince(db, targets, now),
    targetHealth(db, targets, now),
    openFailures(db, targets),
    overdueChanges(db, now),
  ])
  const { troubles, lastSignedAt: watchedAt, answeredAt, changedAt } = watched
  const waits = [waiting, overdue.oldest].filter((at) => at !== null)
  const newest = Math.max(signedAt ?? 0, watchedAt ?? 0)
  return {
    lastSignedAt: newest === 0 ? null : newest,
    answeredAt,
    changedAt,
    waitingSince: waits.length === 0 ? null : Math.min(...waits),
    overdue: { count: overdue.count, since: overdue.oldest, reason: overdue.reason },
    openFailures: failures,
    targets: health,
    circuits: [...circuits].map(([target, row]) => ({ target, until: row.open_until ?? now })),
    troubles,
  }
}

async function lastSignedAt(db: Db): Promise<number | null> {
  const newest = db
    .selectFrom('events')
    .select(['source', 'received_at', 'id'])
    .orderBy('id', 'desc')
    .limit(newestEvents)
  const row = await db
    .selectFrom(newest.as('newest'))
    .select('received_at')
    .where('source', '=', 'langfuse-webhook')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? Number(row.received_at) : null
}

/** A delivery that no worker has claimed waits since it was due, one that is retried since it was created. */
async function waitingSince(db: Db, targets: string[], now: number): Promise<number | null> {
  if (targets.length === 0) return null
  const each = targets.map(
    (target) => sql`select
      (select min(next_at) from deliveries where target = ${target} and next_at is not null) as due,
      (select created_at from deliveries where target = ${target} and status = 'retrying'
        order by change_id limit 1) as made`,
  )
  const { rows } = await sql<{ due: number | null; made: number | null }>`${unionAll(each)}`.execute(db)
  const times = rows.flatMap(({ due, made }) => [due, made]).filter((at) => at !== null)
  const past = times.map(Number).filter((at) => at <= now)
  return past.length === 0 ? null : Math.min(...past)
}

async function targetHealth(db: Db, targets: string[], now: number): Promise<TargetHealth[]> {
  if (targets.length === 0) return []
  const start = firstIdAt('chg', now - dayMs)
  const count = (target: string, status: string) =>
    boundedCount(sql`
    select 1 from deliveries where target = ${target} and status = ${sql.lit(status)} and change_id >= ${start}`)
  const each = targets.map(
    (target, i) => sql`select ${sql.lit(i)} as place, ${count(target, 'delivered')} as delivered,
      ${count(target, 'failed')} as failed, ${count(target, 'retrying')} as retrying`,
  )
  const { rows } = await sql<Record<string, number>>`${unionAll(each)}`.execute(db)
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]))
  return targets.map((target, i) => {
    const row = byPlace.get(i)
    return {
      target,
      delivered: Number(row?.delivered ?? 0),
      failed: Number(row?.failed ?? 0),
      retrying: Number(row?.retrying ?? 0),
    }
  })
}

const unionAll = (queries: Sql[]): Sql => sql.join(queries, sql` union all `)

/** When the oldest waiting delivery was due, epoch milliseconds; null: none waits. */
async function oldestDue(db: Db, now: number): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('next_at', '<=', now)
    .executeTakeFirst()
  return row?.at ?? null
}

/** What has been waiting, and since when. */
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
