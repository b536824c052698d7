import { changeById } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { insertDeliveries } from './db/deliveries.ts'
import {
  cancelWaiting,
  deliveriesOfChange,
  matchingChanges,
  type ReplayFilter,
  requeueAs,
  requeueDelivery,
} from './db/replay.ts'
import type { DeliveryRow } from './db/schema.ts'
import { newId } from './id.ts'
import { type Routed, type Routes, route } from './rules.ts'

export type Acted = { ok: true } | { ok: false; message: string }

/**
 * `as-it-was`: the deliveries that the change had. `todays-rules`: those that the rules of now want, also to targets
 * that it never went to. A delivery keeps its id, the idempotency key at targets that take one.
 */
export type ReplayMode = 'as-it-was' | 'todays-rules'

interface ReplayDeps {
  db: Db
  routes: Routes
  now: () => number
  /** Only deliveries of this status; absent: of any. */
  status?: DeliveryRow['status']
}

/** Sends a delivery again, as it was: its message is made anew from the same change, under the same id. */
export async function replayDelivery(db: Db, deliveryId: string, now: number): Promise<Acted> {
  const status = await requeueDelivery(db, deliveryId, now)
  if (status === null) return { ok: false, message: 'There is no such delivery.' }
  if (status === 'sending') return { ok: false, message: 'It is being sent right now.' }
  if (status === 'skipped')
    return { ok: false, message: 'A rule said no to it, so there is nothing to send again.' }
  return { ok: true }
}

/** Cancels a delivery that waits for its time or for a retry. It can be replayed later. */
export async function cancelDelivery(db: Db, deliveryId: string, now: number): Promise<Acted> {
  const status = await cancelWaiting(db, deliveryId, now)
  if (status === null) return { ok: false, message: 'There is no such delivery.' }
  if (status === 'sending') return { ok: false, message: 'It is being sent right now.' }
  if (status !== 'queued' && status !== 'retrying')
    return { ok: false, message: 'It has ended, so there is nothing to cancel.' }
  return { ok: true }
}

export interface Replayed {
  /** Ids of the deliveries that are queued now. */
  queued: string[]
  /** What is left as it is, and why. */
  left: { target: string; why: string }[]
}

/** Replays all deliveries of one change. Null: there is no such settled change. */
export async function replayChange(
  deps: ReplayDeps,
  changeId: string,
  mode: ReplayMode,
): Promise<Replayed | null> {
  const change = await changeById(deps.db, changeId)
  if (change?.status !== 'settled') return null
  if (mode === 'as-it-was') return replayAsItWas(deps, changeId)
  const { routed } = route(deps.routes, change)
  return deps.db.transaction().execute((trx) => replayRouted({ ...deps, db: trx }, changeId, routed))
}

async function replayAsItWas(deps: ReplayDeps, changeId: string): Promise<Replayed> {
  const { db, routes, now } = deps
  const replayed: Replayed = { queued: [], left: [] }
  for (const { id, target, status } of await deliveriesOfChange(db, changeId)) {
    if (status === 'skipped' || status !== (deps.status ?? status)) continue
    if (!Object.hasOwn(routes.targets, target)) {
      replayed.left.push({ target, why: 'There is no such target now.' })
      continue
    }
    const result = await replayDelivery(db, id, now())
    if (result.ok) replayed.queued.push(id)
    else replayed.left.push({ target, why: result.message })
  }
  return replayed
}

async function replayRouted(
  { db, now, status }: ReplayDeps,
  changeId: string,
  routed: Routed[],
): Promise<Replayed> {
  const known = new Map((await deliveriesOfChange(db, changeId)).map((row) => [row.target, row]))
  const replayed: Replayed = { queued: [], left: [] }
  for (const { target, rule, fact } of routed) {
    const wanted = { rule, fact: JSON.stringify(fact) }
    const before = known.get(target)
    if (before && before.status !== (status ?? before.status)) continue
    if (before && (await requeueAs(db, before.id, wanted, now())) === 'sending') {
      replayed.left.push({ target, why: 'It is being sent right now.' })
      continue
    }
    const row = before ?? freshDelivery(changeId, target, now())
    if (!before) await insertDeliveries(db, [{ ...row, ...wanted }])
    replayed.queued.push(row.id)
  }
  const unwanted = [...known.keys()].filter((name) => !routed.some(({ target }) => target === name))
  replayed.left.push(...unwanted.map((target) => ({ target, why: "Today's rules do not want it there." })))
  return replayed
}

const freshDelivery = (changeId: string, target: string, now: number): DeliveryRow => ({
  id: newId('dlv', now),
  change_id: changeId,
  target,
  status: 'queued',
  rule: '',
  fact: 'null',
  attempt: 0,
  failures: 0,
  next_at: now,
  reason: null,
  created_at: now,
  finished_at: null,
})

/** Small, so that the caller can show how far it is, and stop. */
const batch = 100

export interface ReplayedBatch {
  changes: number
  queued: number
  /** Give it as `after` to go on; null: that was all. */
  next: string | null
}

/** Replays one batch of the changes that match; of each, only the deliveries that match too. */
export async function replayMatching(
  deps: ReplayDeps,
  filter: ReplayFilter,
  mode: ReplayMode,
  after = '',
): Promise<ReplayedBatch> {
  const { target, status } = filter
  const only = target === undefined ? deps.routes : onlyTo(deps.routes, target)
  const ids = await matchingChanges(deps.db, filter, { after, most: batch })
  let queued = 0
  for (const id of ids)
    queued += (await replayChange({ ...deps, routes: only, status }, id, mode))?.queued.length ?? 0
  return { changes: ids.length, queued, next: ids.length < batch ? null : (ids.at(-1) ?? null) }
}

const onlyTo = (routes: Routes, name: string): Routes => ({
  ...routes,
  targets: Object.fromEntries(Object.entries(routes.targets).filter(([target]) => target === name)),
})
