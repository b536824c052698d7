import type { Change, Fact } from '../../core/change/change.ts'
import { incidentOf, keepsIncidents } from '../../core/change/incident.ts'
import { indexable } from '../../core/change/indexable.ts'
import { kindOf } from '../../core/change/kinds.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryOrderRow, DeliveryRow } from '../../store/schema.ts'
import {
  contradictedAt,
  earlierWaiting,
  ordersOf,
  parkDelivery,
  skipClaimed,
} from '../../store/tables/delivery-orders.ts'

/** How long a delivery is parked behind an earlier one that is not due. */
const parkMs = 1000

interface Happened {
  /** When its newest event happened, by its source; null: it has none. Epoch milliseconds. */
  occurredAt: number | null
  now: number
}

interface Ordering {
  change: Parameters<typeof incidentOf>[0]
  fact: Fact
  /** Its target. */
  to: Target | undefined
}

/**
 * A delivery's place among those of its incident; empty if it belongs to none. An alert and its recovery are ordered by
 * Langfuse's own times, even if one of the webhooks was late. An edit is worth reporting even if it no longer holds, except
 * to a target that opens and ends incidents.
 */
export function orderOf(
  { id, target }: Pick<DeliveryRow, 'id' | 'target'>,
  { change, fact, to }: Ordering,
  { occurredAt, now }: Happened,
): DeliveryOrderRow[] {
  const incident = incidentOf(change, fact)
  if (!incident) return []
  const isTimed = fact.kind === 'alert' || fact.kind === 'recovered'
  const at = isTimed ? (occurredAt ?? now) : now
  const role = keepsIncidents(to) || kindOf(fact.kind).about !== 'prompt' ? incident.role : 'follows'
  return [{ delivery_id: id, target, key: indexable(incident.key), role, at }]
}

const contradiction = (role: DeliveryOrderRow['role'], at: number): string => {
  const time = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  return role === 'opens'
    ? `its end was delivered there at ${time}, and this would open it again`
    : `it began again, which was delivered there at ${time}, and this would end it`
}

/** Why a delivery must not be sent again; null: it may. */
export async function replayRefusal(db: Db, order: DeliveryOrderRow | undefined): Promise<string | null> {
  const at = order ? await contradictedAt(db, order) : null
  return order && at !== null ? `Not sent again: ${contradiction(order.role, at)}.` : null
}

export interface Ordered {
  /** May be sent. */
  rows: DeliveryRow[]
  /** By delivery id, of those that may be sent. */
  orders: Map<string, DeliveryOrderRow>
  skipped: { row: DeliveryRow; reason: string }[]
}

/**
 * Orders claimed deliveries of one target, whose row is locked: what opens an incident and what ends it are sent one after
 * the other, in the order they happened. A delivery whose predecessor waits is parked; one that would undo a later one is
 * skipped.
 */
export async function keepOrder(
  trx: Db,
  { rows, changes }: { rows: DeliveryRow[]; changes: ReadonlyMap<string, Change> },
  now: number,
): Promise<Ordered> {
  const held = new Set<string>()
  const ordered: Ordered = { rows, orders: new Map(), skipped: [] }
  const ids = rows.filter((row) => isOfIncident(row, changes.get(row.change_id))).map(({ id }) => id)
  for (const order of await ordersOf(trx, ids)) {
    const row = rows.find(({ id }) => id === order.delivery_id)
    if (!row) continue
    const at = await contradictedAt(trx, order)
    const waitsUntil = at === null ? await earlierWaiting(trx, order) : null
    if (at !== null) {
      const reason = `Not sent: ${contradiction(order.role, at)}`
      await skipClaimed(trx, row.id, reason, now)
      ordered.skipped.push({ row, reason })
    } else if (waitsUntil !== null) await parkDelivery(trx, row.id, Math.max(waitsUntil, now + parkMs))
    else {
      ordered.orders.set(row.id, order)
      continue
    }
    held.add(row.id)
  }
  return { ...ordered, rows: rows.filter(({ id }) => !held.has(id)) }
}

/** A fact that cannot be parsed is reported when its message is made. */
function isOfIncident({ fact }: DeliveryRow, change: Change | undefined): boolean {
  if (!change) return false
  try {
    return incidentOf(change, JSON.parse(fact) as Fact) !== null
  } catch {
    return false
  }
}
