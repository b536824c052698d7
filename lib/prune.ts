import { sql } from 'kysely'
import { type Db, isPostgres } from './db/client.ts'
import { deleteChanges, prunableChanges } from './db/prune.ts'

const dayMs = 86_400_000
/** Small, so that nothing else waits long for the store. */
const batch = 200

/**
 * Deletes what was settled and delivered longer ago than `retentionDays`: changes with their events, deliveries and
 * attempts. What waits or was given up stays. Gives how many changes went.
 */
export async function prune(
  db: Db,
  { retentionDays, now, stopping }: { retentionDays: number; now: () => number; stopping: () => boolean },
): Promise<number> {
  const before = now() - retentionDays * dayMs
  let count = 0
  let after = ''
  while (!stopping()) {
    const found = await prunableChanges(db, { before, after, most: batch })
    if (found.ids.length > 0) await deleteChanges(db, found.ids)
    count += found.ids.length
    if (found.last === null) break
    after = found.last
  }
  if (count > 0 && !isPostgres(db)) await sql`pragma incremental_vacuum`.execute(db)
  return count
}
