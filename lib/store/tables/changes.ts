import { type QueryCreator, sql } from 'kysely'
import { firstIdAt, newId } from '../../base/id.ts'
import { type Change, type ChangeDetail, emptyDetail } from '../../core/change/change.ts'
import { indexable } from '../../core/change/indexable.ts'
import { type Db, isPostgres } from '../client.ts'
import { type ChangeRow, changeColumns, type Database, type DeliveryStatus } from '../schema.ts'
import { statement } from '../statement.ts'

/** What is known of a change when it is made. Times in epoch milliseconds. */
export interface NewChange {
  now: number
  subject: string
  kind?: Change['kind']
  /** Held while the change is open, so that only one is; absent: others may be open beside it. */
  openKey?: string | null
  projectId?: string | null
  version?: number | null
  /** Absent: the subject, until it is settled. */
  title?: string
  actor?: string | null
  danger?: boolean
  test?: boolean
  detail?: Partial<ChangeDetail>
  eventCount?: number
  /** When it settles at the latest; absent: now. */
  dueAt?: number
  /** When it may settle first, if all that it waits for is there; absent: when it is due. */
  nextAt?: number
  /** Made as it ends: it never settles. */
  isSettled?: true
}

/** A row of `changes`. Every one is made here. */
export function newChange({
  now,
  subject,
  dueAt = now,
  nextAt = dueAt,
  isSettled,
  ...more
}: NewChange): ChangeRow {
  return {
    id: newId('chg', now),
    open_key: more.openKey ?? null,
    kind: more.kind ?? 'unchanged',
    status: isSettled ? 'settled' : 'settling',
    project_id: more.projectId ?? null,
    subject,
    version: more.version ?? null,
    title: more.title ?? subject,
    actor: more.actor ?? null,
    danger: more.danger ? 1 : 0,
    test: more.test ? 1 : 0,
    detail: JSON.stringify({ ...emptyDetail, ...more.detail }),
    event_count: more.eventCount ?? 0,
    opened_at: now,
    due_at: dueAt,
    next_at: isSettled ? null : nextAt,
    settled_at: isSettled ? dueAt : null,
  }
}

/** An open change accepts events for this long at most, in milliseconds, however many keep arriving. */
const longestWindow = 10_000

/**
 * Opens these changes, or extends the quiet window of those that are open under the same key. Returns the id of the open
 * change for each key. Sorted, so that two instances cannot deadlock.
 */
export function openingChanges(db: QueryCreator<Database>, rows: ChangeRow[]) {
  const sorted = rows.toSorted((a, b) => (a.open_key ?? '').localeCompare(b.open_key ?? ''))
  return db
    .insertInto('changes')
    .values(sorted)
    .onConflict((c) =>
      c.column('open_key').doUpdateSet({
        event_count: sql`changes.event_count + 1`,
        next_at: (eb) => eb.ref('excluded.next_at'),
        due_at: sql`case when changes.opened_at + ${longestWindow} < excluded.due_at
          then changes.opened_at + ${longestWindow} else excluded.due_at end`,
      }),
    )
    .returning(['id', 'open_key'])
}

/** Closes open changes whose windows have ended to further events, which will open another change. */
export async function endJoining(db: Db, ids: string[], now: number): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('changes')
    .set({ open_key: null })
    .where('id', 'in', ids)
    .where('status', '=', 'settling')
    .where('due_at', '<', now)
    .execute()
}

/** Whether a change is still to be settled. */
export async function isOpen(db: Db, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('changes')
    .select('id')
    .where('id', '=', id)
    .where('next_at', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

export function toChange(row: ChangeRow): Change {
  return {
    id: row.id,
    kind: row.kind as Change['kind'],
    status: row.status,
    projectId: row.project_id,
    subject: row.subject,
    version: row.version,
    title: row.title,
    actor: row.actor,
    danger: row.danger === 1,
    test: row.test === 1,
    detail: JSON.parse(row.detail) as ChangeDetail,
    eventCount: row.event_count,
    openedAt: row.opened_at,
    dueAt: row.due_at,
    settledAt: row.settled_at,
  }
}

export async function changeById(db: Db, id: string): Promise<Change | null> {
  const row = await db.selectFrom('changes').select(changeColumns).where('id', '=', id).executeTakeFirst()
  return row ? toChange(row) : null
}

/** Locked for this transaction. */
export async function lockChange(trx: Db, id: string): Promise<ChangeRow | null> {
  const query = trx.selectFrom('changes').select(changeColumns).where('id', '=', id)
  return (await (isPostgres(trx) ? query.forUpdate() : query).executeTakeFirst()) ?? null
}

/** By id. Deleted changes are missing. */
export async function changesById(db: Db, ids: string[]): Promise<Map<string, Change>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('changes').select(changeColumns).where('id', 'in', ids).execute()
  return new Map(rows.map((row) => [row.id, toChange(row)]))
}

/**
 * Changes that one transaction claims. More would keep the endpoint waiting: settling a change takes about 1 ms, during
 * which SQLite blocks the process.
 */
export const maxClaimed = 10

/** `rest`: the conditions, order and limit. */
function claiming(rest: string) {
  const query = `select ${changeColumns.join()} from changes where ${rest}`
  const onSqlite = statement<ChangeRow>(query)
  const onPostgres = statement<ChangeRow>(`${query} for update skip locked`)
  return (db: Db, parameters: unknown[]) => (isPostgres(db) ? onPostgres : onSqlite)(db, parameters)
}

// With the limit as a parameter, SQLite would plan this sorted query anew each time, which takes 50 µs.
const claimDue = claiming(`next_at <= ? order by next_at, id limit ${maxClaimed}`)
const claimOne = claiming('id = ? and next_at is not null')

/**
 * The open changes that are due, or the one with this id, locked for this transaction; other instances claim other changes.
 */
export const claimChanges = (
  db: Db,
  { now, id }: { now: number; id: string | null },
): Promise<ChangeRow[]> => (id === null ? claimDue(db, [now]) : claimOne(db, [id]))

/** They are due again at `nextAt` (epoch milliseconds); null: when their window ends. */
export async function postponeChanges(db: Db, ids: string[], nextAt: number | null): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('changes')
    .set({ next_at: nextAt ?? sql.ref('due_at') })
    .where('id', 'in', ids)
    .where('next_at', 'is not', null)
    .execute()
}

type Settled = Pick<
  ChangeRow,
  'kind' | 'version' | 'title' | 'actor' | 'danger' | 'detail' | 'event_count' | 'settled_at'
>

const writeSettled = statement(`update changes set
  kind = ?, version = ?, title = ?, actor = ?, danger = ?, detail = ?, event_count = ?, settled_at = ?,
  status = 'settled', open_key = null, next_at = null
  where id = ?`)

/** Settles a change. Later events of the same prompt open a new one. */
export async function settleChangeRow(db: Db, id: string, settled: Settled): Promise<void> {
  const { kind, version, title, actor, danger, detail, event_count, settled_at } = settled
  await writeSettled(db, [kind, version, title, actor, danger, detail, event_count, settled_at, id])
}

export async function deleteChange(db: Db, id: string): Promise<void> {
  await db.deleteFrom('changes').where('id', '=', id).execute()
}

/** When the next open change is due. */
export async function nextOpenChange(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('changes')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('next_at', 'is not', null)
    .executeTakeFirst()
  return row?.at ?? null
}

/** Stores a change that is open under no key. */
export async function insertChange(db: Db, row: ChangeRow): Promise<void> {
  await db.insertInto('changes').values(row).execute()
}

/** Opens a change that has no event yet (a trouble or a burst), unless one is open under its key. */
export async function openKeyedChange(db: Db, row: ChangeRow): Promise<void> {
  await db
    .insertInto('changes')
    .values(row)
    .onConflict((c) => c.column('open_key').doNothing())
    .execute()
}

/** A change that is still open this long after its window is overdue. */
const overdueMs = 60_000

/**
 * Open changes that should have settled by `now` (epoch milliseconds): no instance looked at them within a minute of when
 * they were due, or settling them failed. Changes that wait for an answer from Langfuse do not count. `oldest`: when the
 * first of them was due. `reason`: the newest error; null: there was none.
 */
export async function overdueChanges(
  db: Db,
  now: number,
): Promise<{ count: number; oldest: number | null; reason: string | null }> {
  const before = now - overdueMs
  const overdue = db
    .selectFrom('changes as c')
    .leftJoin('settle_failures as f', 'f.change_id', 'c.id')
    .where('c.next_at', 'is not', null)
    .where('c.due_at', '<', before)
    .where((eb) => eb.or([eb('c.next_at', '<', before), eb('f.change_id', 'is not', null)]))
  const found = await overdue
    .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.min('c.due_at').as('oldest')])
    .executeTakeFirstOrThrow()
  if (found.count === 0) return { count: 0, oldest: null, reason: null }
  const newest = await overdue
    .select('f.reason')
    .where('f.reason', 'is not', null)
    .orderBy('f.last_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return { count: found.count, oldest: found.oldest, reason: newest?.reason ?? null }
}

/** The statuses of deliveries that reached their target, or still may. */
const reaching: DeliveryStatus[] = ['queued', 'sending', 'retrying', 'delivered']

/**
 * The newest change that reported that no version of a prompt has `production`, or that none is known to have it, unless a
 * later change ended that.
 */
export async function openDanger(
  db: Db,
  { projectId, name }: { projectId: string; name: string },
): Promise<{ changeId: string; title: string } | null> {
  const ofPrompt = db
    .selectFrom('changes')
    .where('project_id', '=', projectId)
    .where('subject', '=', indexable(name))
    .where('version', 'is not', null)
  const danger = await ofPrompt
    .select(['id', 'title'])
    .where('danger', '=', 1)
    .where('status', '=', 'settled')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!danger) return null
  const end = await ofPrompt
    .select('id')
    .where('id', '>', danger.id)
    .where('detail', 'like', `%"ends":{"changeId":"${danger.id}"%`)
    .limit(1)
    .executeTakeFirst()
  return end ? null : { changeId: danger.id, title: danger.title }
}

/** The newest changes of a prompt that are searched: more are hardly ever open or settled at once. */
const newestChanges = 20

/** Whether a change of a prompt has settled later than this (epoch milliseconds). */
export async function hasSettledSince(
  db: Db,
  { projectId, name }: { projectId: string; name: string },
  time: number,
): Promise<boolean> {
  const newest = db
    .selectFrom('changes')
    .select('settled_at')
    .where('project_id', '=', projectId)
    .where('subject', '=', indexable(name))
    .where('version', 'is not', null)
    .orderBy('id', 'desc')
    .limit(newestChanges)
  const row = await db
    .selectFrom(newest.as('newest'))
    .select((eb) => eb.fn.max('settled_at').as('at'))
    .executeTakeFirst()
  return row?.at != null && Number(row.at) > time
}

/** Reconciled changes of a prompt that a webhook may belong to. */
const maxReconciled = 100
/** Changes of a prompt, among which they are searched. */
const searchedChanges = 1000

/** The first changes of a prompt since then (epoch milliseconds) that a comparison found, locked for this transaction. */
export async function reconciledSince(
  db: Db,
  { projectId, name }: { projectId: string; name: string },
  since: number,
): Promise<Change[]> {
  const first = db
    .selectFrom('changes')
    .select(['id', 'detail'])
    .where('project_id', '=', projectId)
    .where('subject', '=', indexable(name))
    .where('id', '>=', firstIdAt('chg', since))
    .orderBy('id')
    .limit(searchedChanges)
  const ids = await db
    .selectFrom(first.as('first'))
    .select('id')
    .where('detail', 'like', '%"reconciled":{%')
    .orderBy('id')
    .limit(maxReconciled)
    .execute()
  if (ids.length === 0) return []
  const query = db
    .selectFrom('changes')
    .select(changeColumns)
    .where(
      'id',
      'in',
      ids.map(({ id }) => id),
    )
    .where('status', '=', 'settled')
    .orderBy('id')
  const rows = await (isPostgres(db) ? query.forUpdate() : query).execute()
  return rows.map(toChange).filter(({ detail }) => detail.reconciled)
}

/** Replaces what a settled change says beyond its columns. */
export async function saveDetail(db: Db, id: string, detail: ChangeDetail): Promise<void> {
  await db
    .updateTable('changes')
    .set({ detail: JSON.stringify(detail) })
    .where('id', '=', id)
    .execute()
}

/** Targets that were ever notified of a danger of this prompt. */
export async function notifiedOfDanger(
  db: Db,
  { projectId, subject }: { projectId: string | null; subject: string },
): Promise<string[]> {
  const rows = await db
    .selectFrom('deliveries as d')
    .innerJoin('changes as c', 'c.id', 'd.change_id')
    .select('d.target')
    .distinct()
    .where('c.project_id', '=', projectId)
    .where('c.subject', '=', subject)
    .where('c.danger', '=', 1)
    .where('c.version', 'is not', null)
    .where('d.status', 'in', reaching)
    .execute()
  return rows.map(({ target }) => target)
}
