import { beginSpan, endSpan, traceHeaders, traceOf } from '../../base/tracing.ts'
import { boundedDetail, boundedFact } from '../../core/change/bounds.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { routeEnd } from '../../core/change/incident.ts'
import { many } from '../../core/rules/row-clauses.ts'
import { type Routes, route } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow, EventRow } from '../../store/schema.ts'
import { indexChange } from '../../store/search/index-write.ts'
import { notifiedOfDanger, settleChangeRow } from '../../store/tables/changes.ts'
import { insertDeliveries, newDelivery } from '../../store/tables/deliveries.ts'
import { saveOrders } from '../../store/tables/delivery-orders.ts'
import { orderOf } from '../deliver/order.ts'
import { noteSettled } from '../journal.ts'
import type { Interpretation } from './interpret.ts'

/** What is to be said of a change once its settling is committed. */
export interface Closed {
  note: (endedAt: number) => void
}

export interface SettlingContext {
  routes: Routes
  now: number
  onClosed: (closed: Closed) => void
}

/** The events of a change, and what they say, as far as it could be read. */
export interface ChangeEvents {
  events: Pick<EventRow, 'id' | 'occurred_at' | 'headers'>[]
  parsed: SourceEvent[]
}

/** Characters; a label alone may be longer. */
const maxTitle = 2000

/** Labels that a rule names: what it matches must be seen, however many others there are. */
const namedLabels = ({ rules }: Routes): Set<string> =>
  new Set(['production', 'latest', ...rules.flatMap(({ label = [] }) => many(label))])

/** Settles a change as what it turned out to be, with a delivery for each target that is to hear of it. */
export async function writeSettlement(
  db: Db,
  row: ChangeRow,
  told: Interpretation,
  { events, parsed }: ChangeEvents,
  { routes, now, onClosed }: SettlingContext,
): Promise<void> {
  const { kind } = told
  const keep = namedLabels(routes)
  const detail = boundedDetail(told.detail, keep)
  const title = told.title.slice(0, maxTitle).toWellFormed()
  const from = events.flatMap(({ headers }) => traceOf(headers))
  const attributes = { 'prompt_relay.change': row.id, 'prompt_relay.kind': kind }
  const span = beginSpan('settle', { attributes, from, startedAt: now })
  await settleChangeRow(db, row.id, {
    kind: told.kind,
    version: told.version,
    title,
    actor: told.actor,
    danger: told.danger ? 1 : 0,
    detail: JSON.stringify({ ...detail, ...traceHeaders(span) }),
    event_count: events.length,
    settled_at: now,
  })
  const { id, project_id: projectId, subject } = row
  const indexed = { ...told, title, detail, id, projectId, subject, test: row.test === 1 }
  await indexChange(db, indexed, parsed)
  const change = { ...told, detail, projectId, subject }
  const { routed, skipped } = await routeAll(db, routes, { told: { ...told, projectId, subject }, change })
  const to = (target: string) => ({ id: row.id, target, now })
  const queued = routed.map(({ target, rule, fact }) => {
    const bounded = boundedFact(fact, keep)
    const part = { status: 'queued', rule, fact: JSON.stringify(bounded) } as const
    return { row: newDelivery(to(target), part), fact: bounded }
  })
  const unwanted = skipped.map(({ target, why }) =>
    newDelivery(to(target), { status: 'skipped', rule: why, fact: 'null' }),
  )
  await insertDeliveries(db, [...queued.map((one) => one.row), ...unwanted])
  const occurred = events.map((event) => event.occurred_at)
  const happened = { occurredAt: occurred.length > 0 ? Math.max(...occurred) : null, now }
  await saveOrders(
    db,
    queued.flatMap(({ row, fact }) =>
      orderOf(row, { change, fact, to: routes.targets[row.target] }, happened),
    ),
  )
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

type Routing = ReturnType<typeof route>

/** By the rules, and where an incident was opened that ends now. */
async function routeAll(
  db: Db,
  routes: Routes,
  {
    told,
    change,
  }: {
    told: Parameters<typeof route>[1]
    change: Parameters<typeof routeEnd>[1] & Pick<Interpretation, 'detail'>
  },
): Promise<Routing> {
  const { routed, skipped } = route(routes, told)
  if (!change.detail.ends) return { routed, skipped }
  const { projectId, subject = '' } = change
  const opened = await notifiedOfDanger(db, { projectId, subject })
  const isRouted = (target: string): boolean => routed.some((one) => one.target === target)
  const ends = routeEnd(routes, change, change.detail.facts, opened).filter(({ target }) => !isRouted(target))
  return {
    routed: [...routed, ...ends],
    skipped: skipped.filter(({ target }) => !ends.some((one) => one.target === target)),
  }
}
