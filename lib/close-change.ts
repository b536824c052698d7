import { settleChangeRow } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { insertDeliveries } from './db/deliveries.ts'
import type { ChangeRow, DeliveryRow, EventRow } from './db/schema.ts'
import { indexChange } from './db/search-write.ts'
import { boundedDetail, boundedFact } from './detail-bounds.ts'
import type { SourceEvent } from './event.ts'
import { newId } from './id.ts'
import { noteSettled } from './journal.ts'
import { many } from './row-rules.ts'
import { type Routes, route } from './rules.ts'
import type { Told } from './tell.ts'
import { beginSpan, endSpan, traceHeaders, traceOf } from './tracing.ts'

/** What is to be said of a change once its settling is committed. */
export interface Closed {
  note: (endedAt: number) => void
}

export interface Closing {
  routes: Routes
  now: number
  onClosed: (closed: Closed) => void
}

/** An event of a change, and what it says. */
export interface Heard {
  event: EventRow
  said: SourceEvent
}

/** Characters; a label alone may be longer. */
const maxTitle = 2000

/** Labels that a rule names: what it matches must be seen, however many others there are. */
const namedLabels = ({ rules }: Routes): Set<string> =>
  new Set(['production', 'latest', ...rules.flatMap(({ label = [] }) => many(label))])

/** Settles a change as what it turned out to be, with a delivery for each target that is to hear of it. */
export async function closeChange(
  db: Db,
  row: ChangeRow,
  told: Told,
  heard: Heard[],
  { routes, now, onClosed }: Closing,
): Promise<void> {
  const { kind } = told
  const keep = namedLabels(routes)
  const detail = boundedDetail(told.detail, keep)
  const title = told.title.slice(0, maxTitle).toWellFormed()
  const from = heard.flatMap(({ event }) => traceOf(event.headers))
  const attributes = { 'prompt_relay.change': row.id, 'prompt_relay.kind': kind }
  const span = beginSpan('settle', { attributes, from, startedAt: now })
  const said = heard.map((one) => one.said)
  await settleChangeRow(db, row.id, {
    kind: told.kind,
    version: told.version,
    title,
    actor: told.actor,
    danger: told.danger ? 1 : 0,
    detail: JSON.stringify({ ...detail, ...traceHeaders(span) }),
    event_count: said.length,
    settled_at: now,
  })
  const { id, project_id: projectId, subject } = row
  const indexed = { ...told, title, detail, id, projectId, subject, test: row.test === 1 }
  await indexChange(db, indexed, said)
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
      delivery(target, { status: 'queued', rule, fact: JSON.stringify(boundedFact(fact, keep)) }),
    ),
    ...skipped.map(({ target, why }) => delivery(target, { status: 'skipped', rule: why, fact: 'null' })),
  ])
  const settled = {
    changeId: row.id,
    kind,
    events: said.length,
    queued: routed.map(({ target }) => target),
  }
  onClosed({
    note: (endedAt) => {
      endSpan(span, { 'prompt_relay.targets': settled.queued }, null)
      noteSettled({ ...settled, skipped: skipped.length }, endedAt - now)
    },
  })
}
