import { sql } from 'kysely'
import { type Db, isPostgres } from '../client.ts'
import { type ReplayRow, replayColumns } from '../schema.ts'
import { isAmong } from '../statement.ts'

/** Older replays that have ended are deleted. */
const kept = 50

export async function insertReplay(db: Db, row: ReplayRow): Promise<void> {
  await db.insertInto('replays').values(row).execute()
  const newest = db.selectFrom('replays').select('id').orderBy('id', 'desc').limit(kept)
  await db.deleteFrom('replays').where('next_at', 'is', null).where('id', 'not in', newest).execute()
}

export async function replayById(db: Db, id: string): Promise<ReplayRow | null> {
  const row = await db.selectFrom('replays').select(replayColumns).where('id', '=', id).executeTakeFirst()
  return row ?? null
}

/** Newest first. */
export async function recentReplays(db: Db, max: number): Promise<ReplayRow[]> {
  return db.selectFrom('replays').select(replayColumns).orderBy('id', 'desc').limit(max).execute()
}

/** When the next replay is due. */
export async function nextReplay(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('replays')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('next_at', 'is not', null)
    .executeTakeFirst()
  return row?.at ?? null
}

/** Claims the replay that is due first. Two instances never get the same one; that of a worker that died is due again. */
export async function claimReplay(db: Db, now: number, leaseMs: number): Promise<ReplayRow | null> {
  const due = db
    .selectFrom('replays')
    .select('id')
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(1)
  const row = await db
    .updateTable('replays')
    .set({ next_at: now + leaseMs, claim: sql`claim + 1` })
    .where(isAmong(db, due))
    .returning(replayColumns)
    .executeTakeFirst()
  return row ?? null
}

type Claimed = Pick<ReplayRow, 'id' | 'claim'>

/** Locks the replay until the transaction ends. False: another worker has claimed it, or it was cancelled. */
export async function holdsReplay(trx: Db, { id, claim }: Claimed): Promise<boolean> {
  const query = trx
    .selectFrom('replays')
    .select('id')
    .where('id', '=', id)
    .where('claim', '=', claim)
    .where('next_at', 'is not', null)
  return (await (isPostgres(trx) ? query.forUpdate() : query).executeTakeFirst()) !== undefined
}

/** Records that one more change is done. */
export async function advanceReplay(
  trx: Db,
  id: string,
  step: { after: string; queued: number; left: number },
): Promise<void> {
  await trx
    .updateTable('replays')
    .set((eb) => ({
      after: step.after,
      done: eb('done', '+', 1),
      queued: eb('queued', '+', step.queued),
      left: eb('left', '+', step.left),
    }))
    .where('id', '=', id)
    .execute()
}

/** `next_at` null: it has ended. */
export async function releaseReplay(
  db: Db,
  { id, claim }: Claimed,
  then: Pick<ReplayRow, 'next_at' | 'finished_at'>,
): Promise<void> {
  await db
    .updateTable('replays')
    .set(then)
    .where('id', '=', id)
    .where('claim', '=', claim)
    .where('next_at', 'is not', null)
    .execute()
}

/** Returns whether the replay was still in progress. The deliveries that it has queued stay queued. */
export async function cancelReplay(db: Db, id: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('replays')
    .set({ next_at: null, finished_at: now, cancelled: 1 })
    .where('id', '=', id)
    .where('next_at', 'is not', null)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
