import { type SqlBool, sql } from 'kysely'
import { firstIdAt, newId } from '../../base/id.ts'
import type { HttpClass } from '../../core/list/filter.ts'
import type { Db } from '../client.ts'
import { type AttemptRow, type DeliveryRow, deliveryColumns } from '../schema.ts'
import { chunksOf, insertion, isAmong } from '../statement.ts'

/** A new delivery: due at once, or never if it is skipped or dry. */
export function newDelivery(
  change: { id: string; target: string; now: number },
  part: Pick<DeliveryRow, 'status' | 'rule' | 'fact'>,
): DeliveryRow {
  const { id, target, now } = change
  const isQueued = part.status === 'queued'
  return {
    id: newId('dlv', now),
    change_id: id,
    target,
    attempt: 0,
    failures: 0,
    next_at: isQueued ? now : null,
    reason: null,
    created_at: now,
    finished_at: isQueued ? null : now,
    http_class: null,
    ...part,
  }
}

const insertOnce = insertion<DeliveryRow>(
  'deliveries',
  deliveryColumns,
  'on conflict (change_id, target) do nothing',
)

export async function insertDeliveries(db: Db, rows: DeliveryRow[]): Promise<void> {
  for (const some of chunksOf(rows, deliveryColumns.length)) await insertOnce(db, some)
}

const insertGathered = insertion<{ delivery_id: string }>(
  'gathered_deliveries',
  ['delivery_id'],
  'on conflict (delivery_id) do nothing',
)

/** Marks deliveries as ones that go out together with others (`storm.ts`). */
export async function saveGathered(db: Db, ids: string[]): Promise<void> {
  for (const some of chunksOf(ids, 1))
    await insertGathered(
      db,
      some.map((delivery_id) => ({ delivery_id })),
    )
}

export interface ClaimedDelivery extends DeliveryRow {
  /** It goes out together with others, if there are many. */
  isGathered: boolean
}

const isGathered = sql<SqlBool>`exists (
  select 1 from gathered_deliveries as g where g.delivery_id = deliveries.id)`

/** Due deliveries of one target. `onlyGathered`: of these, the ones that are marked so. */
interface Due {
  now: number
  max: number
  onlyGathered?: boolean
}

function dueIds(db: Db, target: string, { now, max, onlyGathered = false }: Due) {
  const due = db
    .selectFrom('deliveries')
    .select('id')
    .where('target', '=', target)
    .where('next_at', '<=', now)
    .limit(max)
  return onlyGathered ? due.where(isGathered) : due
}

/**
 * Claims due deliveries of one target, oldest first. It is one statement, so two instances never get the same one. The
 * delivery of a worker that died is due again when its lease ends, since `next_at` is the end of the lease.
 */
export async function claimDeliveries(
  db: Db,
  target: string,
  due: Due,
  leaseMs: number,
): Promise<ClaimedDelivery[]> {
  const claimed = await db
    .updateTable('deliveries')
    .set({ status: 'sending', next_at: due.now + leaseMs, attempt: sql`attempt + 1` })
    .where(isAmong(db, dueIds(db, target, due).orderBy('next_at').orderBy('id')))
    .returning(deliveryColumns)
    .returning(isGathered.as('gathered'))
    .execute()
  return claimed
    .map(({ gathered, ...row }) => ({ ...row, isGathered: Boolean(gathered) }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Counted up to `max`. */
export async function countDue(db: Db, target: string, due: Due): Promise<number> {
  const { count } = await db
    .selectFrom(dueIds(db, target, due).as('due'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/**
 * Gathered deliveries to a target that wait, are sent or have arrived, of the prompts with these (indexable) names, for this
 * change and later ones.
 */
export async function gatheredOfPrompts(
  db: Db,
  target: string,
  { names, from }: { names: readonly string[]; from: string },
): Promise<(Pick<DeliveryRow, 'change_id' | 'rule'> & { project_id: string | null; subject: string })[]> {
  const found = []
  for (const some of chunksOf(names, 1))
    found.push(
      ...(await db
        .selectFrom('changes as c')
        .innerJoin('deliveries', 'deliveries.change_id', 'c.id')
        .select(['deliveries.change_id', 'deliveries.rule', 'c.project_id', 'c.subject'])
        .where('c.subject', 'in', some)
        .where('deliveries.target', '=', target)
        .where('c.id', '>=', from)
        .where('deliveries.status', 'in', ['queued', 'sending', 'retrying', 'delivered', 'dry-run'])
        .where(isGathered)
        .execute()),
    )
  return found
}

/** When the last of the gathered deliveries of a target that are queued is due; null: there is none. */
export async function lastGathered(db: Db, target: string): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.max('next_at').as('at'))
    .where('target', '=', target)
    .where('next_at', 'is not', null)
    .where('status', '=', 'queued')
    .where(isGathered)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

/** How many of the gathered deliveries of a target are queued for this time. */
export async function countQueuedFor(db: Db, target: string, at: number): Promise<number> {
  const { count } = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('target', '=', target)
    .where('next_at', '=', at)
    .where('status', '=', 'queued')
    .where(isGathered)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** How many gathered deliveries of a target were made since then (epoch milliseconds), counted up to `max`. */
export async function countGathered(
  db: Db,
  target: string,
  { since, max }: { since: number; max: number },
): Promise<number> {
  const made = db
    .selectFrom('gathered_deliveries as g')
    .innerJoin('deliveries as d', 'd.id', 'g.delivery_id')
    .select('d.id')
    .where('g.delivery_id', '>=', firstIdAt('dlv', since))
    .where('d.target', '=', target)
    .limit(max)
  const { count } = await db
    .selectFrom(made.as('made'))
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** How many deliveries to a target are being sent under a valid lease, counted up to `max`. */
export async function countSending(db: Db, target: string, now: number, max: number): Promise<number> {
  const sending = db
    .selectFrom('deliveries')
    .select('id')
    .where('target', '=', target)
    .where('status', '=', 'sending')
    .where('next_at', '>', now)
    .limit(max)
  const { count } = await db
    .selectFrom(sending.as('sending'))
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** How an attempt ended, as written on its delivery. */
export interface AfterAttempt {
  status: DeliveryRow['status']
  failures: number
  next_at: number | null
  reason: string | null
  finished_at: number | null
}

/** A status outside 200 to 599 (1xx, say) counts as no answer. */
export function httpClassOf(code: number | null): HttpClass {
  if (code === null || code < 200 || code > 599) return 'none'
  return code < 300 ? '2xx' : code < 400 ? '3xx' : code < 500 ? '4xx' : '5xx'
}

/**
 * Records attempts and their outcomes for the deliveries, unless a newer attempt has begun: a worker that comes back after
 * its lease cannot overwrite a newer result. Returns the ids of the deliveries that were updated. Equal outcomes are written
 * together, since most attempts end alike.
 */
export async function writeAttempts(
  db: Db,
  ended: { attempt: AttemptRow; after: AfterAttempt }[],
): Promise<Set<string>> {
  await db
    .insertInto('attempts')
    .values(ended.map(({ attempt }) => attempt))
    .onConflict((c) => c.columns(['delivery_id', 'number']).doNothing())
    .execute()
  const taken = new Set<string>()
  const alike = Map.groupBy(ended, ({ attempt, after }) =>
    JSON.stringify([attempt.number, httpClassOf(attempt.status_code), after]),
  )
  for (const group of alike.values()) {
    const [first] = group
    if (!first) continue
    const rows = await db
      .updateTable('deliveries')
      .set({ ...first.after, http_class: httpClassOf(first.attempt.status_code) })
      .where(
        'id',
        'in',
        group.map(({ attempt }) => attempt.delivery_id),
      )
      .where('attempt', '=', first.attempt.number)
      .where('status', '=', 'sending')
      .returning('id')
      .execute()
    for (const { id } of rows) taken.add(id)
  }
  return taken
}

/** Returns claimed deliveries, due at once, because the process is shutting down. */
export async function releaseDeliveries(db: Db, claims: Pick<DeliveryRow, 'id' | 'attempt'>[], now: number) {
  for (const { id, attempt } of claims) {
    await db
      .updateTable('deliveries')
      .set({ status: 'retrying', next_at: now })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('status', '=', 'sending')
      .execute()
  }
}

/** Ends all leases, of deliveries and of replays: for a process that knows that no other works on the store. */
export async function endLeases(db: Db, now: number): Promise<void> {
  await db
    .updateTable('deliveries')
    .set({ status: 'retrying', next_at: now })
    .where('next_at', 'is not', null)
    .where('status', '=', 'sending')
    .execute()
  await db.updateTable('replays').set({ next_at: now }).where('next_at', '>', now).execute()
}

/** When a delivery of this target is due next; leases count. */
export async function nextDelivery(db: Db, target: string): Promise<number | null> {
  const row = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.min('next_at').as('at'))
    .where('target', '=', target)
    .where('next_at', 'is not', null)
    .executeTakeFirst()
  return row?.at ?? null
}

/** How many deliveries to a target were given up since then (epoch milliseconds). */
export async function countFailed(db: Db, target: string, since: number): Promise<number> {
  const { count } = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('target', '=', target)
    .where('status', '=', 'failed')
    .where('finished_at', '>', since)
    .executeTakeFirstOrThrow()
  return Number(count)
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
