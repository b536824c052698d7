import { sql } from 'kysely'
import type { Circuit } from '../../core/delivery/circuit.ts'
import type { RateLimit } from '../../core/delivery/rate-limit.ts'
import { type Db, isPostgres } from '../client.ts'
import { type TargetRow, targetColumns } from '../schema.ts'
import { distinctValues } from '../statement.ts'

/** Makes sure that each target has a row, which can be locked. */
export async function ensureTargets(db: Db, names: string[]): Promise<void> {
  if (names.length === 0) return
  const rows = names.map((name) => ({
    name,
    failures: 0,
    open_until: null,
    opened: 0,
    next_slot_at: 0,
    announced_at: null,
  }))
  await db
    .insertInto('targets')
    .values(rows)
    .onConflict((c) => c.column('name').doNothing())
    .execute()
}

export type TargetState = TargetRow & Circuit

const withLimits = (db: Db) =>
  db
    .selectFrom('targets')
    .leftJoin('target_limits as l', 'l.target', 'targets.name')
    .select(targetColumns.map((column) => `targets.${column}` as const))
    .select(['l.since', 'l.until', 'l.waits', 'l.send_window'])

type WithLimit = Awaited<ReturnType<ReturnType<typeof withLimits>['executeTakeFirstOrThrow']>>

function stateOf({ since, until, waits, send_window, ...row }: WithLimit): TargetState {
  return { ...row, limit: send_window === null ? null : { since, until, waits: waits ?? 0, send_window } }
}

/** The target's state, locked until the transaction ends. */
export async function lockTarget(db: Db, name: string): Promise<TargetState> {
  const query = withLimits(db).where('name', '=', name)
  return stateOf(await (isPostgres(db) ? query.forUpdate('targets') : query).executeTakeFirstOrThrow())
}

/** Null: no limit. */
export async function saveLimit(db: Db, target: string, limit: RateLimit | null): Promise<void> {
  if (limit === null) await db.deleteFrom('target_limits').where('target', '=', target).execute()
  else
    await db
      .insertInto('target_limits')
      .values({ target, ...limit })
      .onConflict((c) => c.column('target').doUpdateSet(limit))
      .execute()
}

export async function updateTarget(db: Db, name: string, change: Partial<Omit<TargetRow, 'name'>>) {
  await db.updateTable('targets').set(change).where('name', '=', name).execute()
}

export async function allTargets(db: Db): Promise<TargetState[]> {
  return (await withLimits(db).orderBy('name').execute()).map(stateOf)
}

/** The targets whose circuit is open at `now`, by name. */
export async function openCircuits(db: Db, now: number): Promise<Map<string, TargetRow>> {
  const rows = await db.selectFrom('targets').select(targetColumns).where('open_until', '>', now).execute()
  return new Map(rows.map((row) => [row.name, row]))
}

/**
 * When the next open change and the next delivery of each target are due: one statement, because it runs every few seconds.
 */
export async function nextDue(
  db: Db,
  targets: string[],
): Promise<{ change: number | null; deliveries: Map<string, number> }> {
  const changes = db
    .selectFrom('changes')
    .select((eb) => [eb.val('').as('target'), eb.fn.min('next_at').as('at')])
    .where('next_at', 'is not', null)
  const query = targets.reduce(
    (union, target) =>
      union.unionAll(
        db
          .selectFrom('deliveries')
          .select((eb) => [eb.val(target).as('target'), eb.fn.min('next_at').as('at')])
          .where('target', '=', target)
          .where('next_at', 'is not', null),
      ),
    changes,
  )
  const rows = await query.execute()
  const deliveries = new Map(
    rows.flatMap(({ target, at }) => (at === null ? [] : [[target, Number(at)] as const])),
  )
  const change = deliveries.get('') ?? null
  deliveries.delete('')
  return { change, deliveries }
}

/** The targets that any delivery was made to. */
export const knownTargets = (db: Db): Promise<string[]> =>
  distinctValues(db, sql`deliveries`, sql`target`, { from: '', to: '\u{10ffff}' })
