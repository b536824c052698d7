import { sql } from 'kysely'
import type { Db } from '../client.ts'
import { type DeliveryOrderRow, deliveryOrderColumns } from '../schema.ts'

/** Saves the position of deliveries; an existing one gets the new role and key. */
export async function saveOrders(db: Db, rows: DeliveryOrderRow[]): Promise<void> {
  if (rows.length === 0) return
  await db
    .insertInto('delivery_orders')
    .values(rows)
    .onConflict((c) =>
      c
        .column('delivery_id')
        .doUpdateSet((eb) => ({ key: eb.ref('excluded.key'), role: eb.ref('excluded.role') })),
    )
    .execute()
}

/** In the order in which they must arrive. Deliveries outside an incident have none. */
export async function ordersOf(db: Db, deliveryIds: string[]): Promise<DeliveryOrderRow[]> {
  if (deliveryIds.length === 0) return []
  return db
    .selectFrom('delivery_orders')
    .select(deliveryOrderColumns)
    .where('delivery_id', 'in', deliveryIds)
    .orderBy('at')
    .orderBy('delivery_id')
    .execute()
}

/** How many earlier deliveries of an incident are checked: those before them ended long ago. */
const maxBefore = 100
/**
 * A delivery that failed this often no longer holds up later ones: one message that is never accepted must not block them.
 */
const maxHolding = 5

/** When the next delivery that must arrive before this one is due; null: none is waiting. */
export async function earlierWaiting(db: Db, order: DeliveryOrderRow): Promise<number | null> {
  const before = db
    .selectFrom('delivery_orders')
    .select('delivery_id')
    .where('target', '=', order.target)
    .where('key', '=', order.key)
    .where(sql<boolean>`(at, delivery_id) < (${order.at}, ${order.delivery_id})`)
    .orderBy('at', 'desc')
    .orderBy('delivery_id', 'desc')
    .limit(maxBefore)
  const row = await db
    .selectFrom(before.as('before'))
    .innerJoin('deliveries as d', 'd.id', 'before.delivery_id')
    .select((eb) => eb.fn.min('d.next_at').as('at'))
    .where('d.next_at', 'is not', null)
    .where('d.failures', '<', maxHolding)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

/**
 * When the newest later delivery of the same incident reached the target, if it says the opposite of this one; null: this
 * one is still true.
 */
export async function contradictedAt(db: Db, order: DeliveryOrderRow): Promise<number | null> {
  if (order.role === 'follows') return null
  const newest = await db
    .selectFrom('delivery_orders as o')
    .innerJoin('deliveries as d', 'd.id', 'o.delivery_id')
    .select(['o.role', 'd.finished_at', 'd.created_at'])
    .where('o.target', '=', order.target)
    .where('o.key', '=', order.key)
    .where(sql<boolean>`(o.at, o.delivery_id) > (${order.at}, ${order.delivery_id})`)
    .where('d.status', '=', 'delivered')
    .where('o.role', '!=', 'follows')
    .orderBy('o.at', 'desc')
    .orderBy('o.delivery_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return newest && newest.role !== order.role ? (newest.finished_at ?? newest.created_at) : null
}

/** Returns a claimed delivery untried, until the ones that must arrive before it may have arrived. */
export const parkDelivery = (db: Db, id: string, nextAt: number): Promise<void> =>
  returnClaimed(db, [id], nextAt, 'Waits for the delivery before it of the same incident')

/** Returns claimed deliveries untried. */
export async function returnClaimed(db: Db, ids: string[], nextAt: number, reason: string): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({
      status: 'queued',
      next_at: nextAt,
      attempt: sql`attempt - 1`,
      // That of a failure stays.
      reason: sql`case when failures = 0 then ${reason} else reason end`,
    })
    .where('id', 'in', ids)
    .execute()
}

/** Ends a claimed delivery without sending it. */
export async function skipClaimed(db: Db, id: string, reason: string, now: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ status: 'skipped', next_at: null, reason, finished_at: now, attempt: sql`attempt - 1` })
    .where('id', '=', id)
    .execute()
}

/** Makes deliveries that waited for one of the same incident due at once, after an attempt of that one ended. */
export async function unparkDeliveries(db: Db, orders: DeliveryOrderRow[], now: number): Promise<void> {
  for (const { target, key } of orders) {
    const same = db
      .selectFrom('delivery_orders')
      .select('delivery_id')
      .where('target', '=', target)
      .where('key', '=', key)
      .orderBy('at', 'desc')
      .limit(maxBefore)
    await db
      .updateTable('deliveries')
      .set({ next_at: now })
      .where('id', 'in', db.selectFrom(same.as('same')).select('delivery_id'))
      .where('status', '=', 'queued')
      .where('next_at', '>', now)
      .execute()
  }
}
