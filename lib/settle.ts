import { claimChange, deleteChange, postponeChange, settleChangeRow } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { insertDeliveries } from './db/deliveries.ts'
import { eventsOfChange } from './db/events.ts'
import type { VersionContent } from './db/prompts.ts'
import type { ChangeRow, DeliveryRow } from './db/schema.ts'
import { indexChange } from './db/search-write.ts'
import type { SourceEvent } from './event.ts'
import { tellGivenUp } from './given-up.ts'
import { newId } from './id.ts'
import { type Routes, route } from './rules.ts'
import { parseBody } from './sources/langfuse-webhook.ts'
import { type Elsewhere, type Told, tell, type Wanted } from './tell.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
  /** Reads a version's text from Langfuse; null where it has none. Absent without API keys. */
  readVersion?: (wanted: Wanted) => Promise<VersionContent | null>
}

/** A change that cannot be settled (a bug of ours) is tried again after this long; its events stay. */
const retryMs = 30_000
/** While a text is read from Langfuse, the change is left alone for this long. */
const readMs = 10_000

type Looked = 'settled' | 'waiting' | { wanted: Wanted }

/**
 * Looks at the open change that is due next: settles it, or finds that more of its edit is still to come.
 * One transaction; `none` when nothing is due. A text that no event told is read from Langfuse between two
 * transactions, because one that waits for the network would hold up everything else.
 */
export async function settleNext(deps: SettleDeps): Promise<'settled' | 'waiting' | 'none'> {
  const { db, now, readVersion } = deps
  const read = new Map<string, VersionContent | null>()
  const elsewhere: Elsewhere = (wanted) => (readVersion ? read.get(JSON.stringify(wanted)) : null)
  // A difference wants two texts at most.
  for (let round = 0; round < 3; round++) {
    const looked = await look(deps, elsewhere)
    if (typeof looked !== 'object') return looked
    const { wanted } = looked
    const content = await readVersion?.(wanted)
    read.set(JSON.stringify(wanted), content ?? null)
    await postponeChange(db, looked.id, now())
  }
  return 'waiting'
}

async function look(
  { db, routes, now }: SettleDeps,
  elsewhere: Elsewhere,
): Promise<'settled' | 'waiting' | 'none' | { wanted: Wanted; id: string }> {
  let claimed: string | null = null
  try {
    return await db.transaction().execute(async (trx) => {
      const row = await claimChange(trx, now())
      if (!row) return 'none'
      claimed = row.id
      const looked = await settleClaimed(trx, row, { routes, now: now(), elsewhere })
      if (typeof looked !== 'object') return looked
      await postponeChange(trx, row.id, now() + readMs)
      return { ...looked, id: row.id }
    })
  } catch (error) {
    if (claimed !== null) await postponeChange(db, claimed, now() + retryMs)
    throw error
  }
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { routes, now, elsewhere }: { routes: Routes; now: number; elsewhere: Elsewhere },
): Promise<Looked> {
  if (row.kind === 'given-up') {
    await close(trx, row, await tellGivenUp(trx, row, now), { routes, now, said: [] })
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
  const told = await tell(trx, events, { mayWait: row.due_at > now, elsewhere })
  if (told === 'waiting') {
    await postponeChange(trx, row.id, row.due_at)
    return 'waiting'
  }
  if ('wanted' in told) return told
  await close(trx, row, told, { routes, now, said: events.map((event) => event.said) })
  return 'settled'
}

async function close(
  db: Db,
  row: ChangeRow,
  told: Told,
  { routes, now, said }: { routes: Routes; now: number; said: SourceEvent[] },
): Promise<void> {
  await settleChangeRow(db, row.id, {
    kind: told.kind,
    version: told.version,
    title: told.title,
    actor: told.actor,
    danger: told.danger ? 1 : 0,
    detail: JSON.stringify(told.detail),
    event_count: said.length,
    settled_at: now,
  })
  await indexChange(db, { ...told, id: row.id, subject: row.subject }, said)
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
    http_class: null,
    ...part,
  })
  await insertDeliveries(db, [
    ...routed.map(({ target, rule, fact }) =>
      delivery(target, { status: 'queued', rule, fact: JSON.stringify(fact) }),
    ),
    ...skipped.map(({ target, why }) => delivery(target, { status: 'skipped', rule: why, fact: 'null' })),
  ])
}
