import { type Expression, type QueryCreator, sql } from 'kysely'
import { type Db, isPostgres } from '../client.ts'
import type { ChangeRow, Database, EventRow } from '../schema.ts'
import { statement } from '../statement.ts'
import { openingChanges } from './changes.ts'

/** What is stored already of some arrivals. */
interface Stored {
  /** Event id by dedupe key. */
  events: Map<string, string>
  /** By twin key, the change that already has this edit. */
  twins: Map<string, string>
  /** By open key, an open change whose window has ended but which is not settled yet. */
  due: Map<string, string>
}

interface Keys {
  dedupeKeys: string[]
  twinKeys: string[]
  openKeys?: string[]
  /** Epoch milliseconds; goes with `openKeys`. */
  now?: number
}

/** In one statement, because each is a round trip on Postgres. */
export async function storedEvents(
  db: Db,
  { dedupeKeys, twinKeys, openKeys = [], now = 0 }: Keys,
): Promise<Stored> {
  const events = db
    .selectFrom('events')
    .select(['dedupe_key', 'twin_key', 'id', 'change_id'])
    .where((eb) => {
      const isStored = eb('dedupe_key', 'in', dedupeKeys)
      return twinKeys.length === 0 ? isStored : eb.or([isStored, eb('twin_key', 'in', twinKeys)])
    })
  const nothing = sql<string>`cast(null as text)`
  const due = db
    .selectFrom('changes')
    .select([nothing.as('dedupe_key'), 'open_key as twin_key', nothing.as('id'), 'id as change_id'])
    .where('open_key', 'in', openKeys)
    .where('due_at', '<', now)
  const rows = await (openKeys.length === 0 ? events : events.unionAll(due)).execute()
  const [stored, ended] = [rows.filter(({ id }) => id !== null), rows.filter(({ id }) => id === null)]
  const byKey = (some: typeof rows) =>
    new Map(some.flatMap((row) => (row.twin_key === null ? [] : [[row.twin_key, row.change_id] as const])))
  return {
    events: new Map(stored.map((row) => [row.dedupe_key, row.id])),
    twins: byKey(stored),
    due: byKey(ended),
  }
}

/** The first other change with the same edit, sent by another automation. */
export async function twinChange(
  db: Db,
  changeId: string,
): Promise<{ id: string; status: ChangeRow['status'] } | null> {
  const twin = await db
    .selectFrom('events as own')
    .innerJoin('events as e', 'e.twin_key', 'own.twin_key')
    .innerJoin('changes as c', 'c.id', 'e.change_id')
    .select(['c.id', 'c.status'])
    .where('own.change_id', '=', changeId)
    .where('own.twin_key', 'is not', null)
    .where('e.change_id', '<>', changeId)
    .orderBy('c.id')
    .limit(1)
    .executeTakeFirst()
  return twin ?? null
}

export async function moveEvents(db: Db, from: string, to: string): Promise<void> {
  await db.updateTable('events').set({ change_id: to }).where('change_id', '=', from).execute()
}

/** Parameters of one row of `events` in a statement. A row of `changes` has as many. */
export const parametersOfEvent = 17

/** The statement itself may look up `change_id`. */
type NewEvent = Omit<EventRow, 'change_id'> & { change_id: string | Expression<string> }

async function insertNew(db: QueryCreator<Database>, rows: NewEvent[]): Promise<Set<string>> {
  const inserted = await db
    .insertInto('events')
    .values(rows)
    .onConflict((c) => c.column('dedupe_key').doNothing())
    .returning('dedupe_key')
    .execute()
  return new Set(inserted.map((row) => row.dedupe_key))
}

/** Inserts the new ones among these events, and returns their dedupe keys. */
export const insertEvents = (db: Db, rows: EventRow[]): Promise<Set<string>> => insertNew(db, rows)

/** An event whose change may already be open under its key, with another id than `change_id`. */
export interface KeyedEvent {
  row: EventRow
  openKey: string | null
}

/**
 * Opens changes, or extends those that are open, and stores events under them. Returns the dedupe keys of the new events. On
 * Postgres it is one statement, atomic without a transaction: each statement would be a round trip, as would begin and
 * commit.
 */
export async function storeUnderChanges(
  db: Db,
  changes: ChangeRow[],
  events: KeyedEvent[],
): Promise<Set<string>> {
  const isOne = isPostgres(db) && changes.length > 0
  const open = sql.table(isOne ? 'opened' : 'changes')
  const rows = events.map(({ row, openKey }): NewEvent => {
    if (openKey === null) return row
    return { ...row, change_id: sql<string>`(select id from ${open} where open_key = ${openKey})` }
  })
  if (isOne)
    return insertNew(
      db.with('opened', (query) => openingChanges(query, changes)),
      rows,
    )
  if (changes.length > 0) await openingChanges(db, changes).execute()
  return insertNew(db, rows)
}

/** An event without its body. */
export type EventHead = Pick<EventRow, 'id' | 'occurred_at' | 'headers' | 'signature'>

const headColumns = ['id', 'occurred_at', 'headers', 'signature'] as const satisfies (keyof EventHead)[]

export async function eventHeads(db: Db, changeId: string): Promise<EventHead[]> {
  return db.selectFrom('events').select(headColumns).where('change_id', '=', changeId).orderBy('id').execute()
}

/** The type of each event of a change. */
export async function eventTypes(db: Db, changeId: string): Promise<string[]> {
  const rows = await db.selectFrom('events').select('type').where('change_id', '=', changeId).execute()
  return rows.map(({ type }) => type)
}

/** What reading an event's body needs. */
export type StoredEvent = EventHead & Pick<EventRow, 'source' | 'body'>

type EventWithBody = EventHead & Pick<EventRow, 'source'> & { body: Uint8Array | null }

const eventsWithBodies = statement<EventWithBody>(`
  select id, occurred_at, headers, source, signature,
    case when (select sum(size) from events where change_id = ?) <= ? then body end as body
  from events where change_id = ? order by id`)

/** The events of a change with their bodies, or all with null if the bodies together are larger than `maxBytes`. */
export const eventsOfChange = (
  db: Db,
  changeId: string,
  maxBytes = Number.MAX_SAFE_INTEGER,
): Promise<EventWithBody[]> => eventsWithBodies(db, [changeId, maxBytes, changeId])

export async function eventWithBody(db: Db, id: string): Promise<StoredEvent | null> {
  const row = await db
    .selectFrom('events')
    .select([...headColumns, 'source', 'body'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

export async function bodyOfEvent(db: Db, id: string): Promise<Uint8Array | null> {
  const row = await db.selectFrom('events').select('body').where('id', '=', id).executeTakeFirst()
  return row?.body ?? null
}

/** The source's own time of the newest event of a change; null: it has none. */
export async function newestOccurrence(db: Db, changeId: string): Promise<number | null> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('occurred_at').as('at'))
    .where('change_id', '=', changeId)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

export async function changeOfEvent(db: Db, eventId: string): Promise<string | null> {
  const row = await db.selectFrom('events').select('change_id').where('id', '=', eventId).executeTakeFirst()
  return row?.change_id ?? null
}
