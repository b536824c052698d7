import { type SelectQueryBuilder, sql } from 'kysely'
import type { Db } from '../client.ts'
import { type Database, type EventRow, type RejectionRow, rejectionColumns } from '../schema.ts'

/** One page of a list, newest first. Ids sort by time, so they are the keys of paging; `null`: nothing further. */
export interface Page<Row> {
  rows: Row[]
  /** The cursor of the next page, with older rows, and of the previous one, with newer rows. */
  older: string | null
  newer: string | null
}

/** `before`: rows older than this id; `after`: newer rows; neither: the newest. */
export interface Cursor {
  before?: string
  after?: string
}

/** `rows`: in the cursor's direction, one more than the page holds if there are more. */
export function pageOf<Row>(
  rows: Row[],
  idOf: (row: Row) => string,
  { before, after }: Cursor,
  size: number,
): Page<Row> {
  const isBackwards = after !== undefined
  const hasMore = rows.length > size
  const shown = isBackwards ? rows.slice(0, size).toReversed() : rows.slice(0, size)
  const [first] = shown
  const last = shown.at(-1)
  const hasNewer = isBackwards ? hasMore : before !== undefined
  const hasOlder = isBackwards || hasMore
  return {
    rows: shown,
    older: last !== undefined && hasOlder ? idOf(last) : null,
    newer: first !== undefined && hasNewer ? idOf(first) : null,
  }
}

type Listed = 'changes' | 'events' | 'rejections'
const ids = { changes: 'changes.id', events: 'events.id', rejections: 'rejections.id' } as const

export async function readPage<T extends Listed, Row extends { id: string }>(
  query: SelectQueryBuilder<Database, T, Row>,
  table: T,
  cursor: Cursor,
  size: number,
): Promise<Page<Row>> {
  const { before, after } = cursor
  const id = sql.ref<string>(ids[table])
  const rows = await query
    .$if(before !== undefined, (q) => q.where(id, '<', before ?? ''))
    .$if(after !== undefined, (q) => q.where(id, '>', after ?? ''))
    .orderBy(id, after === undefined ? 'desc' : 'asc')
    .limit(size + 1)
    .execute()
  return pageOf(rows as Row[], (row) => row.id, cursor, size)
}

export const listedEventColumns = [
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

export type ListedEvent = Pick<EventRow, (typeof listedEventColumns)[number]>

/** All events, or those of one change. */
export async function listEvents(
  db: Db,
  { change }: { change?: string },
  cursor: Cursor,
  size: number,
): Promise<Page<ListedEvent>> {
  const query = db
    .selectFrom('events')
    .select(listedEventColumns)
    .$if(change !== undefined, (q) => q.where('change_id', '=', change ?? ''))
  return readPage(query, 'events', cursor, size)
}

export async function listRejections(db: Db, cursor: Cursor, size: number): Promise<Page<RejectionRow>> {
  return readPage(db.selectFrom('rejections').select(rejectionColumns), 'rejections', cursor, size)
}

/** How many rows each list has, counted up to `max`: an exact count of a large table is slow. */
export async function countRows(db: Db, max: number): Promise<Record<Listed, number>> {
  const upToMax = (table: Listed) =>
    db
      .selectFrom(db.selectFrom(table).select(sql.lit(1).as('one')).limit(max).as(table))
      .select((eb) => eb.fn.countAll<number>().as('count'))
  const row = await db
    .selectNoFrom([
      upToMax('changes').as('changes'),
      upToMax('events').as('events'),
      upToMax('rejections').as('rejections'),
    ])
    .executeTakeFirstOrThrow()
  return {
    changes: Number(row.changes),
    events: Number(row.events),
    rejections: Number(row.rejections),
  }
}
