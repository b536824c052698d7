import { type Db, isPostgres } from '../client.ts'
import { type DeliveryRow, deliveryColumns } from '../schema.ts'

/** Uses the caller's transaction if there is one, or begins its own. */
export const inTransaction = <T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> =>
  db.isTransaction ? work(db) : db.transaction().execute(work)

/** Locks a delivery and changes it if its status is one of `from`. Returns the status it had; null: there is none. */
async function changeWhere(
  db: Db,
  id: string,
  from: readonly DeliveryRow['status'][],
  change: Partial<DeliveryRow>,
): Promise<DeliveryRow['status'] | null> {
  const query = db.selectFrom('deliveries').select('status').where('id', '=', id)
  const row = await (isPostgres(db) ? query.forUpdate() : query).executeTakeFirst()
  if (!row || !from.includes(row.status)) return row?.status ?? null
  await db.updateTable('deliveries').set(change).where('id', '=', id).execute()
  return row.status
}

const replayable = ['queued', 'retrying', 'delivered', 'failed', 'dry-run', 'cancelled'] as const

/**
 * Queues a delivery that has ended or waits for a retry, due now, at the start of its schedule. Returns the status it had.
 * Leaves `sending` and `skipped` as they are.
 */
export async function requeueDelivery(
  db: Db,
  id: string,
  now: number,
): Promise<DeliveryRow['status'] | null> {
  const queued = { status: 'queued', failures: 0, next_at: now, reason: null, finished_at: null } as const
  return inTransaction(db, (trx) => changeWhere(trx, id, replayable, queued))
}

/** The same for a delivery that another rule or fact matches now, even if it was skipped before. */
export async function requeueAs(
  trx: Db,
  id: string,
  routed: Pick<DeliveryRow, 'rule' | 'fact'>,
  now: number,
): Promise<DeliveryRow['status'] | null> {
  const queued = { status: 'queued', failures: 0, next_at: now, reason: null, finished_at: null } as const
  return changeWhere(trx, id, [...replayable, 'skipped'], { ...queued, ...routed })
}

const cancellable = ['queued', 'retrying'] as const

/** Cancels a waiting delivery. Returns the status it had. */
export async function cancelWaiting(db: Db, id: string, now: number): Promise<DeliveryRow['status'] | null> {
  const cancelled = {
    status: 'cancelled',
    next_at: null,
    reason: 'Cancelled by hand',
    finished_at: now,
  } as const
  return inTransaction(db, (trx) => changeWhere(trx, id, cancellable, cancelled))
}

export async function deliveriesOfChange(db: Db, changeId: string): Promise<DeliveryRow[]> {
  return db
    .selectFrom('deliveries')
    .select(deliveryColumns)
    .where('change_id', '=', changeId)
    .orderBy('id')
    .execute()
}
