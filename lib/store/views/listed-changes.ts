import type { Change } from '../../core/change/change.ts'
import type { Db } from '../client.ts'
import { type ChangeRow, changeColumns, type DeliveryRow } from '../schema.ts'
import { toChange } from '../tables/changes.ts'

export type ListedDelivery = Pick<
  DeliveryRow,
  'id' | 'change_id' | 'target' | 'status' | 'rule' | 'failures' | 'next_at' | 'reason' | 'finished_at'
> & {
  /** Of the newest attempt. */
  duration_ms: number | null
  status_code: number | null
}

export interface ListedChange {
  change: Change
  deliveries: ListedDelivery[]
}

/** The deliveries of these changes by change, each with how its newest attempt went. */
export async function deliveriesOf(db: Db, changeIds: string[]): Promise<Map<string, ListedDelivery[]>> {
  if (changeIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('deliveries as d')
    .leftJoin('attempts as a', (join) =>
      join.onRef('a.delivery_id', '=', 'd.id').onRef('a.number', '=', 'd.attempt'),
    )
    .select(['d.id', 'd.change_id', 'd.target', 'd.status', 'd.rule', 'd.failures', 'd.next_at', 'd.reason'])
    .select(['d.finished_at', 'a.duration_ms', 'a.status_code'])
    .where('d.change_id', 'in', changeIds)
    .orderBy('d.target')
    .execute()
  return Map.groupBy(rows, (row) => row.change_id)
}

export async function withDeliveries(db: Db, rows: ChangeRow[]): Promise<ListedChange[]> {
  const deliveries = await deliveriesOf(
    db,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => ({ change: toChange(row), deliveries: deliveries.get(row.id) ?? [] }))
}

/** In the order of the ids. Deleted changes are left out. */
export async function listedChanges(db: Db, ids: string[]): Promise<ListedChange[]> {
  if (ids.length === 0) return []
  const rows = await db.selectFrom('changes').select(changeColumns).where('id', 'in', ids).execute()
  const byId = new Map(rows.map((row) => [row.id, row]))
  return withDeliveries(
    db,
    ids.flatMap((id) => byId.get(id) ?? []),
  )
}

/** The part of a listed change that can still change. */
export interface LiveChange {
  change: { id: string; status: string; kind: string; eventCount: number }
  deliveries: ListedDelivery[]
}

/** The current state of these changes. Deleted ones are left out. */
export async function liveChanges(db: Db, ids: string[]): Promise<LiveChange[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('changes')
    .select(['id', 'status', 'kind', 'event_count as eventCount'])
    .where('id', 'in', ids)
    .execute()
  const deliveries = await deliveriesOf(db, ids)
  return rows.map((change) => ({ change, deliveries: deliveries.get(change.id) ?? [] }))
}
