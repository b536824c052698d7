import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Db, isPostgres } from '../store/client.ts'
import { forgetCallbackPace } from '../store/tables/callback-pace.ts'
import { forgetPromptLooks } from '../store/tables/prompt-looks.ts'
import {
  deleteChanges,
  dropDeletedTexts,
  forgetSettleFailures,
  forgetWords,
  noteDeletedVersions,
  prunableChanges,
  withheldCallbacks,
} from '../store/tables/prune.ts'
import { dayOf, sumUpCounts } from '../store/tables/reconcile-counts.ts'
import { forgetBudgets } from '../store/tables/request-budget.ts'

const dayMs = 86_400_000
/** How long the counts of what looks found are kept by day; then only their sums are. */
const countsDays = 400
/** Small, so that nothing waits long for the store. */
const batch = 200
/** Number of unconfirmed strangers' callbacks that are kept. */
const keptWithheld = 1000
/** 4 MB, returned to the file system at once. */
const batchPages = 1000

/**
 * Deletes changes that settled and were delivered more than `retentionDays` ago, with their events, deliveries and attempts.
 * Changes with a delivery that waits or was given up stay. Of unconfirmed strangers' callbacks only the newest 1,000 stay.
 * Also deletes search words that no change has any more, and texts of versions deleted that long ago. Returns the number
 * of deleted changes.
 */
export async function prune(
  db: Db,
  { retentionDays, now, stopping }: { retentionDays: number; now: () => number; stopping: () => boolean },
): Promise<number> {
  const before = now() - retentionDays * dayMs
  let count = 0
  let after = ''
  while (!stopping()) {
    const found = await prunableChanges(db, { before, after, max: batch })
    if (found.ids.length > 0) await deleteChanges(db, found.ids)
    count += found.ids.length
    if (found.last === null) break
    after = found.last
  }
  count += await pruneWithheld(db, stopping)
  await forgetCallbackPace(db, now())
  await forgetBudgets(db, now())
  await forgetSettleFailures(db)
  await forgetPromptLooks(db)
  await sumUpCounts(db, dayOf(now() - countsDays * dayMs))
  await pruneTexts(db, { before, now: now(), stopping })
  if (isPostgres(db)) return count
  if (count > 0) await pruneWords(db, stopping)
  await giveBack(db, stopping)
  return count
}

async function pruneTexts(
  db: Db,
  { before, now, stopping }: { before: number; now: number; stopping: () => boolean },
): Promise<void> {
  await noteDeletedVersions(db, now)
  while (!stopping() && (await dropDeletedTexts(db, { before, max: batch })) === batch) await setImmediate()
}

/** Takes about 20 µs a word. */
async function pruneWords(db: Db, stopping: () => boolean): Promise<void> {
  let after: string | null = ''
  while (after !== null && !stopping()) {
    after = await forgetWords(db, { after, max: batch })
    // SQLite answers synchronously: let other work run.
    await setImmediate()
  }
}

async function pruneWithheld(db: Db, stopping: () => boolean): Promise<number> {
  let count = 0
  while (!stopping()) {
    const ids = await withheldCallbacks(db, { keep: keptWithheld, max: batch })
    if (ids.length === 0) break
    await deleteChanges(db, ids)
    count += ids.length
  }
  return count
}

/** SQLite keeps freed pages in its file until asked to return them. */
async function giveBack(db: Db, stopping: () => boolean): Promise<void> {
  while (!stopping()) {
    const { rows } = await sql<{ freelist_count: number }>`pragma freelist_count`.execute(db)
    if (!rows[0]?.freelist_count) return
    await sql`pragma incremental_vacuum(${sql.lit(batchPages)})`.execute(db)
  }
}
