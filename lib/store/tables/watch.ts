import { firstIdAt } from '../../base/id.ts'
import { jsonOf } from '../../base/json.ts'
import { freshWatch, mismatchMs, type WatchState, watchState } from '../../core/trouble/watch.ts'
import type { Db } from '../client.ts'
import { claimState } from './polls.ts'

const name = 'watch'
/** It rests for a minute, and the clocks of instances differ. A later due time was set while a clock was wrong. */
const restMs = 10 * 60_000

export interface ClaimedWatch {
  name: string
  claim: number
  state: WatchState
}

/** A state of another form (a later version's) is replaced by a fresh one. */
const read = (json: string): WatchState => watchState.safeParse(jsonOf(json)).data ?? freshWatch

/** Claims the watch if it is due, for one instance only. */
export async function claimWatch(db: Db, now: number, leaseMs: number): Promise<ClaimedWatch | null> {
  const row = await claimState(db, { name, fresh: freshWatch, restMs }, now, leaseMs)
  return row && { name, claim: row.claim, state: read(row.state) }
}

export async function readWatch(db: Db): Promise<WatchState> {
  const row = await db.selectFrom('polls').select('state').where('name', '=', name).executeTakeFirst()
  return row ? read(row.state) : freshWatch
}

/** When the newest event of this source within this span was received, epoch milliseconds; null: there is none. */
export async function newestEvent(
  db: Db,
  source: string,
  { from, to }: { from: number; to: number },
): Promise<number | null> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('received_at').as('at'))
    .where('id', '>=', firstIdAt('evt', from))
    .where('id', '<', firstIdAt('evt', to + 1))
    .where('source', '=', source)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

/** Reading more would not change the findings. */
const newestEvents = 10_000
const newestMismatches = 1000
const maxGroups = 100

/** Which secrets (their last four characters) signed events of which projects, and last when, among the newest 10,000. */
export async function signersSince(
  db: Db,
  source: string,
  since: number,
): Promise<{ hint: string; projectId: string; at: number }[]> {
  const newest = db
    .selectFrom('events')
    .select(['secret_hint', 'project_id', 'received_at'])
    .where('id', '>=', firstIdAt('evt', since))
    .where('source', '=', source)
    .orderBy('id', 'desc')
    .limit(newestEvents)
  const rows = await db
    .selectFrom(newest.as('newest'))
    .select(['secret_hint', 'project_id', (eb) => eb.fn.max('received_at').as('at')])
    .where('project_id', 'is not', null)
    .groupBy(['secret_hint', 'project_id'])
    .limit(1000)
    .execute()
  return rows.flatMap(({ secret_hint: hint, project_id: projectId, at }) =>
    projectId === null ? [] : [{ hint, projectId, at: Number(at) }],
  )
}

/**
 * Of the newest 1,000 requests within `mismatchMs` that no known secret had signed, those that came at least twice with the
 * same first bytes and size: those bytes, and when they came.
 */
export async function mismatches(
  db: Db,
  endpoint: string,
  now: number,
): Promise<{ head: Uint8Array; size: number; at: number[] }[]> {
  const newest = db
    .selectFrom('rejections')
    .select(['at', 'size', 'head'])
    .where('id', '>=', firstIdAt('rej', now - mismatchMs))
    .where('reason', '=', 'signature-mismatch')
    .where('door', '=', endpoint)
    .orderBy('id', 'desc')
    .limit(newestMismatches)
  const rows = await db
    .selectFrom(newest.as('newest'))
    .select(['head', 'size', (eb) => eb.fn.countAll().as('count')])
    .select([(eb) => eb.fn.min('at').as('first'), (eb) => eb.fn.max('at').as('last')])
    .groupBy(['head', 'size'])
    .having((eb) => eb.fn.countAll(), '>', 1)
    .orderBy('last', 'desc')
    .limit(maxGroups)
    .execute()
  return rows.map(({ head, size, count, first, last }) => {
    const between = Array.from({ length: Number(count) - 1 }, () => Number(last))
    return { head, size, at: [Number(first), ...between] }
  })
}
