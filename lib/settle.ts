import { tellBurst } from './bursts.ts'
import { claimChange, deleteChange, postponeChange, settleChangeRow } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { insertDeliveries } from './db/deliveries.ts'
import { eventsOfChange } from './db/events.ts'
import type { VersionContent } from './db/prompts.ts'
import type { ChangeRow, DeliveryRow, EventRow } from './db/schema.ts'
import { indexChange } from './db/search-write.ts'
import type { CallbackIds, TraceAnswer } from './describe-callback.ts'
import { type Elsewhere, readings, type Wanted, type WantedVersion } from './elsewhere.ts'
import { tellGivenUp } from './given-up.ts'
import { newId } from './id.ts'
import { noteSettled } from './journal.ts'
import { burstKinds } from './observed.ts'
import { type Routes, route } from './rules.ts'
import { readStored } from './sources/stored-body.ts'
import { type Told, tell } from './tell.ts'
import { beginSpan, endSpan, traceHeaders, traceOf } from './tracing.ts'
import { tellTrouble } from './watch.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
  /** What is read from Langfuse. Absent without API keys. */
  readVersion?: (wanted: WantedVersion) => Promise<VersionContent | null>
  readTrace?: (wanted: CallbackIds) => Promise<TraceAnswer>
}

/** A change that cannot be settled (a bug of ours) is tried again after this long; its events stay. */
const retryMs = 30_000
/** While something is read from Langfuse, the change is left alone for this long. */
const readMs = 30_000

/** What is to be said of a change once its settling is committed. */
interface Closed {
  note: (endedAt: number) => void
}

interface Closing {
  routes: Routes
  now: number
  onClosed: (closed: Closed) => void
}

type Looked = 'settled' | 'waiting' | { wanted: Wanted }

/**
 * Looks at the open change that is due next: settles it, or finds that more of its edit is still to come.
 * One transaction; `none` when nothing is due. What no event told is read from Langfuse between two transactions,
 * because one that waits for the network would hold up everything else.
 */
export async function settleNext(deps: SettleDeps): Promise<'settled' | 'waiting' | 'none'> {
  const { db, now } = deps
  const known = readings(deps)
  let looked = await look(deps, known.elsewhere, null)
  // A difference wants two texts at most.
  for (let round = 0; round < 2 && typeof looked === 'object'; round++) {
    const { wanted, row } = looked
    const againAt = await known.read(wanted, { since: row.opened_at, now: now() })
    if (againAt !== null) {
      await postponeChange(db, row.id, againAt)
      return 'waiting'
    }
    const found = await look(deps, known.elsewhere, row.id)
    looked = found === 'none' ? 'waiting' : found
  }
  return typeof looked === 'object' ? 'waiting' : looked
}

/** `id`: the change to look at; null: what is due next. */
async function look(
  { db, routes, now }: SettleDeps,
  elsewhere: Elsewhere,
  id: string | null,
): Promise<'settled' | 'waiting' | 'none' | { wanted: Wanted; row: ChangeRow }> {
  let claimed: string | null = null
  const closed: Closed[] = []
  try {
    const looked = await db.transaction().execute(async (trx) => {
      const row = await claimChange(trx, now(), id)
      if (!row) return 'none'
      claimed = row.id
      const onClosed = (one: Closed) => closed.push(one)
      const found = await settleClaimed(trx, row, { routes, now: now(), elsewhere, onClosed })
      if (typeof found !== 'object') return found
      await postponeChange(trx, row.id, now() + readMs)
      return { ...found, row }
    })
    for (const { note } of closed) note(now())
    return looked
  } catch (error) {
    if (claimed !== null) await postponeChange(db, claimed, now() + retryMs)
    throw error
  }
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { elsewhere, ...closing }: Closing & { elsewhere: Elsewhere },
): Promise<Looked> {
  const { now } = closing
  if (row.kind === 'given-up') {
    await close(trx, row, await tellGivenUp(trx, row, now), [], closing)
    return 'settled'
  }
  if (row.kind === 'trouble' || row.kind === 'trouble-over') {
    await close(trx, row, tellTrouble(row), [], closing)
    return 'settled'
  }
  if (burstKinds.includes(row.kind)) {
    const told = tellBurst(row)
    if (told) await close(trx, row, told, await eventsOfChange(trx, row.id), closing)
    else await deleteChange(trx, row.id)
    return 'settled'
  }
  const rows = await eventsOfChange(trx, row.id)
  if (rows.length === 0) {
    // Opened for an event that another instance turned out to have stored first.
    await deleteChange(trx, row.id)
    return 'settled'
  }
  const events = rows.map((event) => ({
    id: event.id,
    occurredAt: event.occurred_at,
    said: readStored(event),
  }))
  const told = await tell(trx, events, { mayWait: row.due_at > now, elsewhere })
  if (told === 'waiting') {
    await postponeChange(trx, row.id, row.due_at)
    return 'waiting'
  }
  if ('wanted' in told) return told
  await close(trx, row, told, rows, closing)
  return 'settled'
}

async function close(
  db: Db,
  row: ChangeRow,
  told: Told,
  events: EventRow[],
  { routes, now, onClosed }: Closing,
): Promise<void> {
  const { kind } = told
  const from = events.flatMap(({ headers }) => traceOf(headers))
  const attributes = { 'prompt_relay.change': row.id, 'prompt_relay.kind': kind }
  const span = beginSpan('settle', { attributes, from, startedAt: now })
  const said = events.map(readStored)
  await settleChangeRow(db, row.id, {
    kind: told.kind,
    version: told.version,
    title: told.title,
    actor: told.actor,
    danger: told.danger ? 1 : 0,
    detail: JSON.stringify({ ...told.detail, ...traceHeaders(span) }),
    event_count: said.length,
    settled_at: now,
  })
  await indexChange(db, { ...told, id: row.id, projectId: row.project_id, subject: row.subject }, said)
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
  const settled = {
    changeId: row.id,
    kind,
    events: events.length,
    queued: routed.map(({ target }) => target),
  }
  onClosed({
    note: (endedAt) => {
      endSpan(span, { 'prompt_relay.targets': settled.queued }, null)
      noteSettled({ ...settled, skipped: skipped.length }, endedAt - now)
    },
  })
}
