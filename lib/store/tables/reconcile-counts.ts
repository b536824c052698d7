import { sql } from 'kysely'
import type { CountedKind } from '../../core/reconcile/state.ts'
import type { Db } from '../client.ts'

/** What was found within some days. Times in epoch milliseconds: when it happened, as far as that is known. */
export interface Counted {
  count: number
  firstAt: number
  lastAt: number
}

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
  await db
    .insertInto('reconcile_counts')
    .values({ project_id: projectId, day: dayOf(now), what, count, first_at: from, last_at: to })
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

/** Deletes the days before this one. */
export async function forgetCounts(db: Db, before: string): Promise<void> {
  await db.deleteFrom('reconcile_counts').where('day', '<', before).execute()
}
