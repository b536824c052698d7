import { sql } from 'kysely'
import type { Db } from '../client.ts'
import { type AttemptRow, attemptColumns, type EventRow } from '../schema.ts'
import { type ListedEvent, listedEventColumns } from './paged-lists.ts'

/** By delivery, newest first. */
export async function attemptsOf(db: Db, deliveryIds: string[]): Promise<Map<string, AttemptRow[]>> {
  if (deliveryIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('attempts')
    .select(attemptColumns)
    .where('delivery_id', 'in', deliveryIds)
    .orderBy('number', 'desc')
    .execute()
  return Map.groupBy(rows, (row) => row.delivery_id)
}

export type ShownEvent = ListedEvent & Pick<EventRow, 'headers'> & { head: Uint8Array }

/** The first events of a change with the first `headBytes` of each body, so that a large body is not read whole. */
export async function eventsWithHeads(
  db: Db,
  changeId: string,
  max: number,
  headBytes: number,
): Promise<ShownEvent[]> {
  return db
    .selectFrom('events')
    .select([...listedEventColumns, 'headers'])
    .select(sql<Uint8Array>`substr(body, 1, cast(${headBytes} as integer))`.as('head'))
    .where('change_id', '=', changeId)
    .orderBy('id')
    .limit(max)
    .execute()
}
