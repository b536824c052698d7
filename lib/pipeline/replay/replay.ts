import type { Change } from '../../core/change/change.ts'
import { type ProjectDirectory, projectNameOf } from '../../core/rules/project-directory.ts'
import { type Routed, type Routes, route } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow } from '../../store/schema.ts'
import { changeById } from '../../store/tables/changes.ts'
import { insertDeliveries, newDelivery } from '../../store/tables/deliveries.ts'
import { ordersOf, saveOrders } from '../../store/tables/delivery-orders.ts'
import { newestOccurrence } from '../../store/tables/events.ts'
import {
  cancelWaiting,
  deliveriesOfChange,
  inTransaction,
  requeueAs,
  requeueDelivery,
} from '../../store/tables/requeue.ts'
import { orderOf, replayRefusal } from '../deliver/order.ts'

/** `isOver`: a later delivery of the same incident contradicts it. */
export type Acted = { ok: true } | { ok: false; message: string; isOver?: true }

/**
 * `as-it-was`: the deliveries that the change had. `todays-rules`: those of the current rules, including new targets. A
 * delivery keeps its id, the idempotency key at targets that take one.
 */
export type ReplayMode = 'as-it-was' | 'todays-rules'

export interface ReplayDeps {
  db: Db
  routes: Routes
  /** For rules that name projects; absent: ids only. */
  directory?: Pick<ProjectDirectory, 'nameOf'> | undefined
  now: () => number
  /** Which of the change's deliveries; absent: all. */
  wants?: (delivery: DeliveryRow) => boolean
}

/** Sends a delivery again: a new message from the same change, under the same id. */
export async function replayDelivery(db: Db, deliveryId: string, now: number): Promise<Acted> {
  const [order] = await ordersOf(db, [deliveryId])
  const refusal = await replayRefusal(db, order)
  if (refusal !== null) return { ok: false, message: refusal, isOver: true }
  const status = await requeueDelivery(db, deliveryId, now)
  if (status === null) return { ok: false, message: 'There is no such delivery.' }
  if (status === 'sending') return { ok: false, message: 'It is being sent right now.' }
  if (status === 'skipped')
    return { ok: false, message: 'A rule skipped it, so there is nothing to send again.' }
  return { ok: true }
}

/** Cancels all waiting deliveries of a change. Returns how many. */
export async function cancelChange(db: Db, changeId: string, now: number): Promise<number> {
  let cancelled = 0
  for (const { id } of await deliveriesOfChange(db, changeId))
    if ((await cancelDelivery(db, id, now)).ok) cancelled += 1
  return cancelled
}

/** Cancels a waiting delivery. It can be replayed later. */
export async function cancelDelivery(db: Db, deliveryId: string, now: number): Promise<Acted> {
  const status = await cancelWaiting(db, deliveryId, now)
  if (status === null) return { ok: false, message: 'There is no such delivery.' }
  if (status === 'sending') return { ok: false, message: 'It is being sent right now.' }
  if (status !== 'queued' && status !== 'retrying')
    return { ok: false, message: 'It has ended, so there is nothing to cancel.' }
  return { ok: true }
}

export interface Replayed {
  /** Ids of deliveries that are now queued. */
  queued: string[]
  /** Deliveries that are not replayed, and why. */
  left: { target: string; why: string; isOver?: true }[]
}

/** Replays the deliveries of a change. Null: there is no such settled change. */
export async function replayChange(
  deps: ReplayDeps,
  changeId: string,
  mode: ReplayMode,
): Promise<Replayed | null> {
  const change = await changeById(deps.db, changeId)
  if (change?.status !== 'settled') return null
  if (mode === 'as-it-was') return replayAsItWas(deps, changeId)
  const { routed } = route(deps.routes, { ...change, projectName: projectNameOf(deps.directory, change) })
  return inTransaction(deps.db, (trx) => replayRouted({ ...deps, db: trx }, change, routed))
}

async function replayAsItWas(deps: ReplayDeps, changeId: string): Promise<Replayed> {
  const { db, routes, now, wants = () => true } = deps
  const replayed: Replayed = { queued: [], left: [] }
  for (const delivery of await deliveriesOfChange(db, changeId)) {
    const { id, target, status } = delivery
    if (status === 'skipped' || !wants(delivery)) continue
    if (!Object.hasOwn(routes.targets, target)) {
      replayed.left.push({ target, why: 'This target no longer exists.' })
      continue
    }
    const result = await replayDelivery(db, id, now())
    if (result.ok) replayed.queued.push(id)
    else replayed.left.push({ target, why: result.message, ...(result.isOver && { isOver: true }) })
  }
  return replayed
}

async function replayRouted(
  { db, routes, now, wants = () => true }: ReplayDeps,
  change: Change,
  routed: Routed[],
): Promise<Replayed> {
  const known = new Map((await deliveriesOfChange(db, change.id)).map((row) => [row.target, row]))
  const occurredAt = await newestOccurrence(db, change.id)
  const replayed: Replayed = { queued: [], left: [] }
  for (const { target, rule, fact } of routed) {
    const routedAs = { rule, fact: JSON.stringify(fact) }
    const before = known.get(target)
    if (before && !wants(before)) continue
    const row =
      before ?? newDelivery({ id: change.id, target, now: now() }, { status: 'queued', ...routedAs })
    const to = routes.targets[target]
    const orders = orderOf(row, { change, fact, to }, { occurredAt, now: change.settledAt ?? now() })
    const refusal = await replayRefusal(db, orders[0])
    const isSending =
      refusal === null && before && (await requeueAs(db, row.id, routedAs, now())) === 'sending'
    if (refusal !== null) replayed.left.push({ target, why: refusal, isOver: true })
    if (isSending) replayed.left.push({ target, why: 'It is being sent right now.' })
    if (refusal !== null || isSending) continue
    if (!before) await insertDeliveries(db, [row])
    await saveOrders(db, orders)
    replayed.queued.push(row.id)
  }
  const isRouted = (row: DeliveryRow) => routed.some(({ target }) => target === row.target)
  const unwanted = [...known.values()].filter(
    (row) => row.status !== 'skipped' && wants(row) && !isRouted(row),
  )
  const why = "Today's rules do not send it there."
  replayed.left.push(...unwanted.map(({ target }) => ({ target, why })))
  return replayed
}
