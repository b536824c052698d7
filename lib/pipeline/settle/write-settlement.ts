import type { Span } from '@opentelemetry/api'
import { beginSpan, endSpan, traceHeaders, traceOf } from '../../base/tracing.ts'
import { boundedDetail, boundedFact } from '../../core/change/bounds.ts'
import type { Change, Fact } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { routeEnd } from '../../core/change/incident.ts'
import {
  gatherEnd,
  gatheringReason,
  isGathered,
  gatherMs as usualGatherMs,
} from '../../core/delivery/storm.ts'
import type { ProjectDirectory } from '../../core/rules/project-directory.ts'
import { many } from '../../core/rules/row-clauses.ts'
import { type Routed, type Routes, route } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow, DeliveryRow } from '../../store/schema.ts'
import { indexChange } from '../../store/search/index-write.ts'
import { notifiedOfDanger, settleChangeRow } from '../../store/tables/changes.ts'
import { insertDeliveries, newDelivery, saveGathered } from '../../store/tables/deliveries.ts'
import { saveOrders } from '../../store/tables/delivery-orders.ts'
import type { EventHead } from '../../store/tables/events.ts'
import { stormOf } from '../../targets/target.ts'
import { signedForOf } from '../arrival.ts'
import { orderOf } from '../deliver/order.ts'
import { noteSettled } from '../journal.ts'
import type { Interpretation } from './interpret.ts'

/** Writes to log, metrics and trace that a change was settled. */
export type AfterCommit = (endedAt: number) => void

export interface SettlingContext {
  routes: Routes
  directory?: ProjectDirectory | undefined
  now: number
  /** As in `SettleDeps`. */
  gatherMs?: number | undefined
  afterCommit: (note: AfterCommit) => void
}

/** A change, its events as far as they could be parsed, and its interpretation. */
export interface Settlement {
  row: ChangeRow
  interpretation: Interpretation
  events: EventHead[]
  parsed: SourceEvent[]
}

/** Characters; a label alone may be longer. */
const maxTitle = 2000

/** Labels named by rules: these are kept, however many others there are. */
const namedLabels = ({ rules }: Routes): Set<string> =>
  new Set(['production', 'latest', ...rules.flatMap(({ label = [] }) => many(label))])

type SettlingChange = Interpretation & Pick<Change, 'projectId' | 'subject'> & { projectName: string | null }

/** Settles a change, with a delivery for each target that rules route it to. */
export async function writeSettlement(
  db: Db,
  { row, interpretation, events, parsed }: Settlement,
  { routes, directory, now, gatherMs, afterCommit }: SettlingContext,
): Promise<void> {
  const keep = namedLabels(routes)
  // Rules see all of it; a bounded part is stored.
  const whole = { ...withProject(interpretation, { row, events }, directory), subject: row.subject }
  const title = whole.title.slice(0, maxTitle).toWellFormed()
  const change = { ...whole, title, detail: boundedDetail(whole.detail, keep) }
  const { kind, version, actor, danger, detail } = change
  const from = events.flatMap(({ headers }) => traceOf(headers))
  const attributes = { 'prompt_relay.change': row.id, 'prompt_relay.kind': kind }
  const span: Span = beginSpan('settle', { attributes, from, startedAt: now })
  await settleChangeRow(db, row.id, {
    ...{ kind, version, title, actor },
    danger: danger ? 1 : 0,
    detail: JSON.stringify({ ...detail, ...traceHeaders(span) }),
    event_count: events.length,
    settled_at: now,
  })
  await indexChange(db, { ...change, id: row.id, test: row.test === 1 }, parsed)
  const { routed, skipped } = await routeAll(db, routes, { whole, change })
  await writeDeliveries(
    db,
    { id: row.id, change, events, routing: { routed, skipped } },
    { routes, keep, now, gatherMs },
  )
  const queued = routed.map(({ target }) => target)
  afterCommit((endedAt) => {
    endSpan(span, { 'prompt_relay.targets': queued }, null)
    const settled = { changeId: row.id, kind, events: events.length, queued, skipped: skipped.length }
    noteSettled(settled, endedAt - now)
  })
}

/**
 * With the operator's name of its project. Where the project's id is not known, only the secret shows which one it is, so
 * that the change itself keeps the name.
 */
function withProject(
  { detail, ...others }: Interpretation,
  { row, events }: Pick<Settlement, 'row' | 'events'>,
  directory: ProjectDirectory | undefined,
): Interpretation & Pick<Change, 'projectId'> & { projectName: string | null } {
  const projectId = row.project_id
  const known = directory?.nameOf(projectId) ?? null
  const signedFor = known === null && detail.facts.every(({ kind }) => kind !== 'wrong-project')
  const project = signedFor ? (events.flatMap((one) => signedForOf(one) ?? [])[0] ?? null) : null
  return {
    ...others,
    projectId,
    projectName: known ?? project,
    detail: project ? { ...detail, project } : detail,
  }
}

type Routing = ReturnType<typeof route>

/** By the rules, and to targets where this change ends an incident. */
async function routeAll(
  db: Db,
  routes: Routes,
  { whole, change }: { whole: SettlingChange; change: SettlingChange },
): Promise<Routing> {
  const { routed, skipped } = route(routes, whole)
  if (!change.detail.ends) return { routed, skipped }
  const { projectId, subject } = change
  const opened = await notifiedOfDanger(db, { projectId, subject })
  const isRouted = (target: string): boolean => routed.some((one) => one.target === target)
  const ends = routeEnd(routes, change, change.detail.facts, opened).filter(({ target }) => !isRouted(target))
  return {
    routed: [...routed, ...ends],
    skipped: skipped.filter(({ target }) => !ends.some((one) => one.target === target)),
  }
}

interface RoutedChange {
  id: string
  change: SettlingChange
  events: EventHead[]
  routing: Routing
}

async function writeDeliveries(
  db: Db,
  { id, change, events, routing }: RoutedChange,
  { routes, keep, now, gatherMs }: Omit<SettlingContext, 'afterCommit'> & { keep: ReadonlySet<string> },
): Promise<void> {
  const queued = routing.routed.map((routed) =>
    queuedDelivery({ id, change, routed, fact: boundedFact(routed.fact, keep) }, { routes, now, gatherMs }),
  )
  const skipped = routing.skipped.map(({ target, why }) =>
    newDelivery({ id, target, now }, { status: 'skipped', rule: why, fact: 'null' }),
  )
  await insertDeliveries(db, [...queued.map(({ row }) => row), ...skipped])
  const occurred = events.map((event) => event.occurred_at)
  const happened = { occurredAt: occurred.length > 0 ? Math.max(...occurred) : null, now }
  const orders = queued.flatMap(({ row, fact }) =>
    orderOf(row, { change, fact, to: routes.targets[row.target] }, happened),
  )
  await saveOrders(db, orders)
  await saveGathered(
    db,
    queued.flatMap(({ row, isGathered }) => (isGathered ? [row.id] : [])),
  )
}

/**
 * A delivery of a reconciled change goes out with others in a storm. It waits for them where its target makes one message of
 * them, or chooses from them.
 */
function queuedDelivery(
  { id, change, routed, fact }: { id: string; change: SettlingChange; routed: Routed; fact: Fact },
  { routes, now, gatherMs = usualGatherMs }: Omit<SettlingContext, 'afterCommit'>,
): { row: DeliveryRow; fact: Fact; isGathered: boolean } {
  const { target, rule } = routed
  const part = { status: 'queued', rule, fact: JSON.stringify(fact) } as const
  const row = newDelivery({ id, target, now }, part)
  const to = routes.targets[target]
  if (!to || !isGathered(change, { fact, to })) return { row, fact, isGathered: false }
  if (stormOf(to).way === 'each') return { row, fact, isGathered: true }
  const next_at = gatherEnd(now, gatherMs)
  return { row: { ...row, next_at, reason: gatheringReason }, fact, isGathered: true }
}
