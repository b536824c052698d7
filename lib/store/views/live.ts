import type { Db } from '../client.ts'
import { changeColumns } from '../schema.ts'
import { toChange } from '../tables/changes.ts'
import { deliveriesOf, type ListedChange, type ListedDelivery } from './dashboard.ts'

/** As much of a row as can still become another. */
export interface LiveChange {
  change: { id: string; status: string; kind: string; eventCount: number }
  deliveries: ListedDelivery[]
}

/** How these changes stand now; those that are gone are left out. */
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

/** The same in full. */
export async function changesByIds(db: Db, ids: string[]): Promise<ListedChange[]> {
  if (ids.length === 0) return []
  const rows = await db.selectFrom('changes').select(changeColumns).where('id', 'in', ids).execute()
  const deliveries = await deliveriesOf(db, ids)
  return rows.map((row) => ({ change: toChange(row), deliveries: deliveries.get(row.id) ?? [] }))
}
