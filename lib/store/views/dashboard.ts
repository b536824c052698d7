import { type SelectQueryBuilder, sql } from 'kysely'
import type { Change } from '../../core/change/change.ts'
import { indexable } from '../../core/change/indexable.ts'
import type { Db } from '../client.ts'
import {
  type AttemptRow,
  attemptColumns,
  changeColumns,
  type Database,
  type DeliveryRow,
  type EventRow,
  type RejectionRow,
  rejectionColumns,
  type TargetRow,
  targetColumns,
} from '../schema.ts'
import { toChange } from '../tables/changes.ts'

/** One page of a list, newest first. Ids sort by time, so they are the keys of paging; `null`: nothing further. */
export interface Page<Row> {
  rows: Row[]
  /** For what is older, and for what is newer than this page. */
  older: string | null
  newer: string | null
}

/** `before`: what is older than this id; `after`: what is newer; neither: the newest. */
export interface Cursor {
  before?: string
  after?: string
}

type Listed = 'changes' | 'events' | 'rejections'
const idOf = { changes: 'changes.id', events: 'events.id', rejections: 'rejections.id' } as const

export async function page<T extends Listed, Row extends { id: string }>(
  query: SelectQueryBuilder<Database, T, Row>,
  table: T,
  { before, after }: Cursor,
  size: number,
): Promise<Page<Row>> {
  const isBackwards = after !== undefined
  const id = sql.ref<string>(idOf[table])
  const rows = await query
    .$if(before !== undefined, (q) => q.where(id, '<', before ?? ''))
    .$if(isBackwards, (q) => q.where(id, '>', after ?? ''))
    .orderBy(id, isBackwards ? 'asc' : 'desc')
    .limit(size + 1)
    .execute()
  const hasMore = rows.length > size
  const shown = isBackwards ? rows.slice(0, size).toReversed() : rows.slice(0, size)
  const [first] = shown
  const last = shown.at(-1)
  const hasNewer = isBackwards ? hasMore : before !== undefined
  const hasOlder = isBackwards ? true : hasMore
  return {
    rows: shown as Row[],
    older: last && hasOlder ? last.id : null,
    newer: first && hasNewer ? first.id : null,
  }
}

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

export async function listChanges(
  db: Db,
  filter: { prompt?: string },
  cursor: Cursor,
  size: number,
): Promise<Page<ListedChange>> {
  const { prompt } = filter
  const { rows, older, newer } = await page(
    db
      .selectFrom('changes')
      .select(changeColumns)
      .$if(prompt !== undefined, (q) => q.where('subject', '=', indexable(prompt ?? ''))),
    'changes',
    cursor,
    size,
  )
  const deliveries = await deliveriesOf(
    db,
    rows.map(({ id }) => id),
  )
  const listed = rows.map((row) => ({ change: toChange(row), deliveries: deliveries.get(row.id) ?? [] }))
  return { rows: listed, older, newer }
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

export async function deliveryById(
  db: Db,
  id: string,
): Promise<Pick<DeliveryRow, 'change_id' | 'status' | 'target'> | null> {
  const row = await db
    .selectFrom('deliveries')
    .select(['change_id', 'status', 'target'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

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

export type ListedEvent = Omit<EventRow, 'body' | 'headers' | 'dedupe_key' | 'twin_key'>

const eventColumns = [
  'id',
  'source',
  'change_id',
  'type',
  'action',
  'project_id',
  'subject',
  'version',
  'occurred_at',
  'received_at',
  'signature',
  'secret_hint',
  'size',
] as const

export async function listEvents(
  db: Db,
  filter: { change?: string },
  cursor: Cursor,
  size: number,
): Promise<Page<ListedEvent>> {
  const { change } = filter
  const query = db
    .selectFrom('events')
    .select(eventColumns)
    .$if(change !== undefined, (q) => q.where('change_id', '=', change ?? ''))
  return page(query, 'events', cursor, size)
}

export type ShownEvent = ListedEvent & Pick<EventRow, 'headers'> & { head: Uint8Array }

/** The first events of a change with the first `headBytes` of each body: all that is read of a large one. */
export async function eventsWithHeads(
  db: Db,
  changeId: string,
  max: number,
  headBytes: number,
): Promise<ShownEvent[]> {
  return db
    .selectFrom('events')
    .select([...eventColumns, 'headers'])
    .select(sql<Uint8Array>`substr(body, 1, cast(${headBytes} as integer))`.as('head'))
    .where('change_id', '=', changeId)
    .orderBy('id')
    .limit(max)
    .execute()
}

export async function listRejections(db: Db, cursor: Cursor, size: number): Promise<Page<RejectionRow>> {
  return page(db.selectFrom('rejections').select(rejectionColumns), 'rejections', cursor, size)
}

/** How many there are of each, counted up to `most`: beyond that the number costs more than it tells. */
export async function countRows(db: Db, max: number): Promise<Record<Listed, number>> {
  const counted = (table: Listed) =>
    db
      .selectFrom(db.selectFrom(table).select(sql.lit(1).as('one')).limit(max).as(table))
      .select((eb) => eb.fn.countAll<number>().as('count'))
  const row = await db
    .selectNoFrom([
      counted('changes').as('changes'),
      counted('events').as('events'),
      counted('rejections').as('rejections'),
    ])
    .executeTakeFirstOrThrow()
  return {
    changes: Number(row.changes),
    events: Number(row.events),
    rejections: Number(row.rejections),
  }
}

/** The targets whose circuit is open at `now`, by name. */
export async function openCircuits(db: Db, now: number): Promise<Map<string, TargetRow>> {
  const rows = await db.selectFrom('targets').select(targetColumns).where('open_until', '>', now).execute()
  return new Map(rows.map((row) => [row.name, row]))
}
