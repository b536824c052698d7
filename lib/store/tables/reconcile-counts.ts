import { sql } from 'kysely'
import type { Counted } from '../../core/reconcile/proof.ts'
import type { CountedKind } from '../../core/reconcile/state.ts'
import type { Db } from '../client.ts'
import type { ReconcileCountRow } from '../schema.ts'

export type Counts = Partial<Record<CountedKind, Counted>>

/** `2026-11-27`, UTC. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Adds to the counts of the day `now`. `from`, `to`: when it happened, as far as that is known. */
export async function addCount(
  db: Db,
  projectId: string,
  what: CountedKind,
  { count, from, to, now }: { count: number; from: number; to: number; now: number },
): Promise<void> {
  if (count === 0) return
  await upsertCount(db, { project_id: projectId, day: dayOf(now), what, count, first_at: from, last_at: to })
}

async function upsertCount(db: Db, row: ReconcileCountRow): Promise<void> {
  await db
    .insertInto('reconcile_counts')
    .values(row)
    .onConflict((c) =>
      c.columns(['project_id', 'day', 'what']).doUpdateSet({
        count: sql`reconcile_counts.count + excluded.count`,
        first_at: sql`case when excluded.first_at < reconcile_counts.first_at
          then excluded.first_at else reconcile_counts.first_at end`,
        last_at: sql`case when excluded.last_at > reconcile_counts.last_at
          then excluded.last_at else reconcile_counts.last_at end`,
      }),
    )
    .execute()
}

/** The counts of each project from the day `since` (`2026-10-28`) on. */
export async function countsSince(db: Db, since: string): Promise<Map<string, Counts>> {
  const rows = await db
    .selectFrom('reconcile_counts')
    .select(['project_id', 'what'])
    .select((eb) => [
      eb.fn.sum('count').as('count'),
      eb.fn.min('first_at').as('first'),
      eb.fn.max('last_at').as('last'),
    ])
    .where('day', '>=', since)
    .groupBy(['project_id', 'what'])
    .execute()
  const counts = new Map<string, Counts>()
  for (const { project_id, what, count, first, last } of rows)
    counts.set(project_id, {
      ...counts.get(project_id),
      [what]: { count: Number(count), firstAt: Number(first), lastAt: Number(last) },
    })
  return counts
}

/** Sums of days that have no row of their own any more. */
const before = '0000-00-00'

/** Adds the days before this one up, so that totals never decrease. */
export async function sumUpCounts(db: Db, until: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const old = await trx
      .deleteFrom('reconcile_counts')
      .where('day', '<', until)
      .where('day', '>', before)
      .returning(['project_id', 'what', 'count', 'first_at', 'last_at'])
      .execute()
    for (const { project_id, what, count, first_at, last_at } of old)
      await upsertCount(trx, { project_id, day: before, what, count, first_at, last_at })
  })
}
