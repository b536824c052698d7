import { claimChange, deleteChange, postponeChange, settleChangeRow } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { insertDeliveries } from './db/deliveries.ts'
import { eventsOfChange } from './db/events.ts'
import type { ChangeRow, DeliveryRow } from './db/schema.ts'
import { tellGivenUp } from './given-up.ts'
import { newId } from './id.ts'
import { type Routes, route } from './rules.ts'
import { parseBody } from './sources/langfuse-webhook.ts'
import { type Told, tell } from './tell.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
}

/** A change that cannot be settled (a bug of ours) is tried again after this long; its events stay. */
const retryMs = 30_000

/**
 * Looks at the open change that is due next: settles it, or finds that more of its edit is still to come.
 * One transaction; `none` when nothing is due.
 */
export async function settleNext({ db, routes, now }: SettleDeps): Promise<'settled' | 'waiting' | 'none'> {
  let looked: string | null = null
  try {
    return await db.transaction().execute(async (trx) => {
      const row = await claimChange(trx, now())
      if (!row) return 'none'
      looked = row.id
      return settleClaimed(trx, row, { routes, now: now() })
    })
  } catch (error) {
    if (looked !== null) await postponeChange(db, looked, now() + retryMs)
    throw error
  }
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { routes, now }: { routes: Routes; now: number },
): Promise<'settled' | 'waiting'> {
  if (row.kind === 'given-up') {
    await close(trx, row, await tellGivenUp(trx, row, now), { routes, now, eventCount: 0 })
    return 'settled'
  }
  const rows = await eventsOfChange(trx, row.id)
  if (rows.length === 0) {
    // Opened for an event that another instance turned out to have stored first.
    await deleteChange(trx, row.id)
    return 'settled'
  }
  const events = rows.map(({ id, occurred_at, body }) => ({
    id,
    occurredAt: occurred_at,
    said: parseBody(body),
  }))
  const told = await tell(trx, events, row.due_at > now)
  if (told === 'waiting') {
    await postponeChange(trx, row.id, row.due_at)
    return 'waiting'
  }
  await close(trx, row, told, { routes, now, eventCount: events.length })
  return 'settled'
}

async function close(
  db: Db,
  row: ChangeRow,
  told: Told,
  { routes, now, eventCount }: { routes: Routes; now: number; eventCount: number },
): Promise<void> {
  await settleChangeRow(db, row.id, {
    kind: told.kind,
    version: told.version,
    title: told.title,
    actor: told.actor,
    danger: told.danger ? 1 : 0,
    detail: JSON.stringify(told.detail),
    event_count: eventCount,
    settled_at: now,
  })
  const { routed, skipped } = route(routes, { ...told, projectId: row.project_id, subject: row.subject })
  const delivery = (target: string, part: Pick<DeliveryRow, 'status' | 'rule' | 'fact'>): DeliveryRow => ({
    id: newId('dlv', now),
    change_id: row.id,
    target,
    attempt: 0,
    failures: 0,
    next_at: part.status === 'queued' ? now : null,
    reason: null,
    created_at: now,
    finished_at: part.status === 'queued' ? null : now,
    ...part,
  })
  await insertDeliveries(db, [
    ...routed.map(({ target, rule, fact }) =>
      delivery(target, { status: 'queued', rule, fact: JSON.stringify(fact) }),
    ),
    ...skipped.map(({ target, why }) => delivery(target, { status: 'skipped', rule: why, fact: 'null' })),
  ])
}
