import { type Db, isPostgres } from './client.ts'
import type { DeliveryRow } from './schema.ts'

/** Locks a delivery and, where its status is one of `from`, changes it. Gives the status that it had; null: none such. */
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

const replayable = ['queued', 'retrying', 'delivered', 'failed', 'cancelled'] as const

/**
 * Queues a delivery that has ended (or waits for a retry) for now, at the start of its schedule. Gives the status
 * that it had; `sending` and `skipped` are left as they are.
 */
export async function requeueDelivery(
  db: Db,
  id: string,
  now: number,
): Promise<DeliveryRow['status'] | null> {
  const queued = { status: 'queued', failures: 0, next_at: now, reason: null, finished_at: null } as const
  return db.transaction().execute((trx) => changeWhere(trx, id, replayable, queued))
}

/** The same, for what another rule (or fact) wants now; what a rule had skipped is taken too. */
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

/** Ends a delivery that waits. Gives the status that it had. */
export async function cancelWaiting(db: Db, id: string, now: number): Promise<DeliveryRow['status'] | null> {
  const cancelled = {
    status: 'cancelled',
    next_at: null,
    reason: 'Cancelled by hand',
    finished_at: now,
  } as const
  return db.transaction().execute((trx) => changeWhere(trx, id, cancellable, cancelled))
}

export async function deliveriesOfChange(db: Db, changeId: string): Promise<DeliveryRow[]> {
  return db.selectFrom('deliveries').selectAll().where('change_id', '=', changeId).orderBy('id').execute()
}

/** Which changes to replay. Every part that is given must hold, for one delivery of the change. */
export interface ReplayFilter {
  status?: DeliveryRow['status']
  target?: string
  /** Prompt name, monitor title, … */
  subject?: string
  /** Of the opening, epoch milliseconds. */
  from?: number
  to?: number
}

/** Settled changes that match, in the order of their ids, after the one named. */
export async function matchingChanges(
  db: Db,
  filter: ReplayFilter,
  { after, most }: { after: string; most: number },
): Promise<string[]> {
  const { status, target, subject, from, to } = filter
  let query = db
    .selectFrom('changes')
    .select('id')
    .where('status', '=', 'settled')
    .where('id', '>', after)
    .orderBy('id')
    .limit(most)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  if (from !== undefined) query = query.where('opened_at', '>=', from)
  if (to !== undefined) query = query.where('opened_at', '<=', to)
  if (status !== undefined || target !== undefined) {
    query = query.where((eb) => {
      let wanted = eb.selectFrom('deliveries').select('deliveries.id')
      wanted = wanted.whereRef('deliveries.change_id', '=', 'changes.id')
      if (status !== undefined) wanted = wanted.where('deliveries.status', '=', status)
      if (target !== undefined) wanted = wanted.where('deliveries.target', '=', target)
      return eb.exists(wanted)
    })
  }
  const rows = await query.execute()
  return rows.map(({ id }) => id)
}
