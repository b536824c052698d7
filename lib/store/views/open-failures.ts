import { sql } from 'kysely'
import { type Db, isPostgres } from '../client.ts'
import type { Sql } from '../statement.ts'
import { inTransaction } from '../tables/requeue.ts'

/** Failed deliveries to one target that were neither replayed nor dismissed. */
export interface OpenFailures {
  target: string
  /** Counted up to `maxFailures`. */
  count: number
  /** Of the newest. */
  reason: string | null
  changeId: string
  /** When the last of them failed, epoch milliseconds. */
  lastAt: number
}

export const maxFailures = 1000

/** A dismissal is valid for one attempt: a delivery that is replayed and fails again is open again. */
const isOpen: Sql = sql`d.status = 'failed' and not exists (
  select 1 from dismissals x where x.delivery_id = d.id and x.attempt = d.attempt)`

/** By target, only those that have some. */
export async function openFailures(db: Db, targets: string[]): Promise<OpenFailures[]> {
  const found = await Promise.all(targets.map((target) => failuresOf(db, target)))
  return found.filter((one) => one !== null)
}

async function failuresOf(db: Db, target: string): Promise<OpenFailures | null> {
  const { rows } = await sql<{ change_id: string; reason: string | null }>`
    select d.change_id, d.reason from deliveries d where d.target = ${target} and ${isOpen}
    order by d.change_id desc limit 1`.execute(db)
  const [newest] = rows
  if (!newest) return null
  const counted = await sql<{ count: number; last: number }>`
    select count(*) as count, max(finished_at) as last from (
      select d.finished_at from deliveries d where d.target = ${target} and ${isOpen}
      order by d.change_id desc limit ${sql.lit(maxFailures)}) as n`.execute(db)
  const { count, last } = counted.rows[0] ?? { count: 0, last: 0 }
  const { change_id: changeId, reason } = newest
  return { target, count: Number(count), reason, changeId, lastAt: Number(last ?? 0) }
}

/** The open failures of one target up to `until`. The user who acts on them has not seen later ones. */
const seenFailures = (db: Db, target: string, until: number) =>
  sql<{ id: string; attempt: number }>`
    select d.id, d.attempt from deliveries d
    where d.target = ${target} and ${isOpen} and coalesce(d.finished_at, 0) <= ${until}
    order by d.change_id limit ${sql.lit(maxFailures)} ${isPostgres(db) ? sql`for update of d` : sql``}`.execute(
    db,
  )

interface Chosen {
  target: string
  /** Epoch milliseconds. */
  until: number
}

/** Queues them again, each at the start of its schedule, oldest first. Returns how many. */
export async function replayFailures(db: Db, { target, until }: Chosen, now: number): Promise<number> {
  return inTransaction(db, async (trx) => {
    const { rows } = await seenFailures(trx, target, until)
    if (rows.length === 0) return 0
    const queued = { status: 'queued', failures: 0, next_at: now, reason: null, finished_at: null } as const
    const ids = rows.map(({ id }) => id)
    await trx.updateTable('deliveries').set(queued).where('id', 'in', ids).execute()
    return rows.length
  })
}

/**
 * Dismissed failures are not open, but can still be replayed. `actor`: who dismissed them; null: not known. Returns how
 * many.
 */
export async function dismissFailures(
  db: Db,
  { target, until }: Chosen,
  { now, actor }: { now: number; actor: string | null },
): Promise<number> {
  return inTransaction(db, async (trx) => {
    const { rows } = await seenFailures(trx, target, until)
    await dismiss(trx, rows, { now, actor })
    return rows.length
  })
}

/** The same for one delivery. False: it has not failed, or was dismissed already. */
export async function dismissFailure(
  db: Db,
  deliveryId: string,
  { now, actor }: { now: number; actor: string | null },
): Promise<boolean> {
  return inTransaction(db, async (trx) => {
    const { rows } = await sql<{ id: string; attempt: number }>`
      select d.id, d.attempt from deliveries d where d.id = ${deliveryId} and ${isOpen}
      ${isPostgres(db) ? sql`for update of d` : sql``}`.execute(trx)
    await dismiss(trx, rows, { now, actor })
    return rows.length > 0
  })
}

async function dismiss(
  db: Db,
  failures: { id: string; attempt: number }[],
  { now: at, actor }: { now: number; actor: string | null },
): Promise<void> {
  if (failures.length === 0) return
  await db
    .insertInto('dismissals')
    .values(failures.map(({ id, attempt }) => ({ delivery_id: id, attempt, at, actor })))
    .onConflict((c) =>
      c.column('delivery_id').doUpdateSet((eb) => ({
        attempt: eb.ref('excluded.attempt'),
        at: eb.ref('excluded.at'),
        actor: eb.ref('excluded.actor'),
      })),
    )
    .execute()
}

/** When failures of these deliveries were dismissed, by delivery. */
export async function dismissalsOf(db: Db, deliveryIds: string[]): Promise<Map<string, number>> {
  if (deliveryIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('dismissals as x')
    .innerJoin('deliveries as d', (join) =>
      join.onRef('d.id', '=', 'x.delivery_id').onRef('d.attempt', '=', 'x.attempt'),
    )
    .select(['x.delivery_id', 'x.at'])
    .where('x.delivery_id', 'in', deliveryIds)
    .where('d.status', '=', 'failed')
    .execute()
  return new Map(rows.map((row) => [row.delivery_id, row.at]))
}

/** The most frequent reasons why deliveries to a target failed since then (epoch milliseconds). */
export async function failureReasons(
  db: Db,
  target: string,
  since: number,
): Promise<{ reason: string; count: number }[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select(['reason', (eb) => eb.fn.countAll<number>().as('count')])
    .where('target', '=', target)
    .where('status', '=', 'failed')
    .where('finished_at', '>', since)
    .where('reason', 'is not', null)
    .groupBy('reason')
    .orderBy('count', 'desc')
    .limit(3)
    .execute()
  return rows.flatMap(({ reason, count }) => (reason === null ? [] : [{ reason, count: Number(count) }]))
}

/** Why the newest delivery that waits for a retry, or failed, did not arrive; null: none waits. */
export async function lastReason(db: Db, target: string): Promise<string | null> {
  const row = await db
    .selectFrom('deliveries')
    .select('reason')
    .where('target', '=', target)
    .where('status', '=', 'retrying')
    .where('reason', 'is not', null)
    .orderBy('change_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.reason ?? null
}
