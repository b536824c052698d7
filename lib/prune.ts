import { sql } from 'kysely'
import { forgetCallbackPace } from './db/callback-pace.ts'
import { type Db, isPostgres } from './db/client.ts'
import { deleteChanges, forgetSettleFailures, prunableChanges } from './db/prune.ts'
import { forgetBudgets } from './db/request-budget.ts'

const dayMs = 86_400_000
/** Small, so that nothing else waits long for the store. */
const batch = 200
/** 4 MB: what is given back to the file system at once. */
const batchPages = 1000

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
  await forgetCallbackPace(db, now())
  await forgetBudgets(db, now())
  await forgetSettleFailures(db)
  if (!isPostgres(db)) await giveBack(db, stopping)
  return count
}

/** SQLite keeps freed pages in its file until told otherwise. */
async function giveBack(db: Db, stopping: () => boolean): Promise<void> {
  while (!stopping()) {
    const { rows } = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(db)
    if (!rows[0]?.freelist_count) return
    await sql`pragma incremental_vacuum(${sql.lit(batchPages)})`.execute(db)
  }
}
