import type { ListFilter } from '../../core/list/filter.ts'
import type { Db } from '../client.ts'
import type { DeliveryRow } from '../schema.ts'
import { idsAfter } from './list.ts'

/** Deliveries of one kind, of the changes that match. */
export type DeliveryGroup = Pick<DeliveryRow, 'target' | 'status' | 'http_class'> & { count: number }

export interface Matching {
  changes: number
  /** The id of the newest one; null: nothing matches. */
  newest: string | null
  groups: DeliveryGroup[]
}

/** So many ids go into one query. */
const chunk = 1000

/** The changes that match (counted up to `most`), and all their deliveries by target, status and HTTP class. */
export async function countMatching(
  db: Db,
  asked: { filter: ListFilter; now: number },
  max: number,
): Promise<Matching> {
  const ids = await idsAfter(db, asked, '', max)
  const counts = new Map<string, DeliveryGroup>()
  for (let start = 0; start < ids.length; start += chunk) {
    const rows = await db
      .selectFrom('deliveries')
      .select(['target', 'status', 'http_class', (eb) => eb.fn.countAll<number>().as('count')])
      .where('change_id', 'in', ids.slice(start, start + chunk))
      .groupBy(['target', 'status', 'http_class'])
      .execute()
    for (const row of rows) {
      const key = JSON.stringify([row.target, row.status, row.http_class])
      counts.set(key, { ...row, count: Number(row.count) + (counts.get(key)?.count ?? 0) })
    }
  }
  return { changes: ids.length, newest: ids.at(-1) ?? null, groups: [...counts.values()] }
}
