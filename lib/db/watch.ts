import { freshWatch, mismatchMs, type WatchState, watchState } from '../trouble.ts'
import type { Db } from './client.ts'
import { claimState } from './poll.ts'

const name = 'watch'

/** The first id of this time (epoch milliseconds): ids sort by time. */
const idFrom = (prefix: 'evt' | 'rej', at: number): string =>
  `${prefix}_${Math.max(0, Math.floor(at)).toString(16).padStart(11, '0')}`

export interface ClaimedWatch {
  name: string
  claim: number
  state: WatchState
}

/** What is kept of another form (a later version's) begins anew. */
const read = (json: string): WatchState => {
  try {
    return watchState.parse(JSON.parse(json))
  } catch {
    return freshWatch
  }
}

/** Takes the watch up where it is due; of several instances one gets it. */
export async function claimWatch(db: Db, now: number, leaseMs: number): Promise<ClaimedWatch | null> {
  const row = await claimState(db, { name, fresh: freshWatch }, now, leaseMs)
  return row && { name, claim: row.claim, state: read(row.state) }
}

export async function readWatch(db: Db): Promise<WatchState> {
  const row = await db.selectFrom('polls').select('state').where('name', '=', name).executeTakeFirst()
  return row ? read(row.state) : freshWatch
}

/** When the newest event of this source came that came since then; null: none did. */
export async function newestEvent(db: Db, source: string, since: number): Promise<number | null> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('received_at').as('at'))
    .where('id', '>=', idFrom('evt', since))
    .where('source', '=', source)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

/** Times of the newest requests, 100 at most, whose signature was of no known secret. */
export async function mismatches(db: Db, door: string, now: number): Promise<number[]> {
  const rows = await db
    .selectFrom('rejections')
    .select('at')
    .where('id', '>=', idFrom('rej', now - mismatchMs))
    .where('reason', '=', 'signature-mismatch')
    .where('door', '=', door)
    .orderBy('id', 'desc')
    .limit(100)
    .execute()
  return rows.map(({ at }) => at)
}
