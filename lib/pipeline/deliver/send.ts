import type { Span } from '@opentelemetry/api'
import { beginSpan, endSpan } from '../../base/tracing.ts'
import { type Change, type Fact, wholeName } from '../../core/change/change.ts'
import {
  callbackLinks,
  changeUrl,
  failuresUrl,
  observedUrls,
  promptUrl,
  reconciledUrl,
} from '../../core/change/links.ts'
import { type Message, type Outcome, type SendContext, versionOf } from '../../core/delivery/delivery.ts'
import { type ProjectDirectory, projectNameOf } from '../../core/rules/project-directory.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow } from '../../store/schema.ts'
import { send, sendDigest, sendStorm, sendsText } from '../../targets/target.ts'
import { versionText } from '../settle/version-text.ts'
import type { EndedAttempt } from './record.ts'

const timeoutMs = 10_000

export interface SendDeps {
  db: Db
  now: () => number
  /** `langfuse`: where people open it, unless the project of a change has an address of its own. */
  urls: { langfuse: string; public: string | undefined }
  /** As in `SettleDeps`. */
  directory?: ProjectDirectory
  fetch: typeof globalThis.fetch
  /** Aborted when sends in progress must end. */
  stop: AbortSignal
  /** Nothing is sent; what would have been sent is kept with the delivery. */
  isDry?: boolean
}

/**
 * Deliveries to one target in one message: one alone, a digest of those that waited for the target's pace, or many that a
 * comparison with Langfuse found.
 */
export interface Batch {
  target: string
  rows: DeliveryRow[]
  /** The changes they are about, by id. */
  changes: ReadonlyMap<string, Change>
  form: 'alone' | 'digest' | 'storm'
}

/** How one attempt of a delivery ended. */
export type Sent = Pick<EndedAttempt, 'row' | 'outcome' | 'weight' | 'startedAt' | 'endedAt'>

/** Sends a batch as one message. Returns an outcome for each delivery. */
export async function sendBatch(deps: SendDeps, target: Target, batch: Batch): Promise<Sent[]> {
  const startedAt = deps.now()
  const span = beginAttempt(batch, startedAt)
  const outcomes = await outcomesOf(deps, target, batch)
  const endedAt = deps.now()
  const last = outcomes.at(-1)
  if (last) endAttempt(span, last.outcome)
  return outcomes.map((one) => ({ ...one, startedAt, endedAt }))
}

/** A bug in making one delivery's message is stored with that delivery, and does not affect others. */
async function outcomesOf(
  deps: SendDeps,
  target: Target,
  { rows, changes, form }: Batch,
): Promise<Pick<Sent, 'row' | 'outcome' | 'weight'>[]> {
  const broken: Pick<Sent, 'row' | 'outcome' | 'weight'>[] = []
  const made: { row: DeliveryRow; message: Message }[] = []
  for (const row of rows) {
    try {
      const change = changes.get(row.change_id)
      made.push({ row, message: await messageFor(deps, { row, change, sendsText: sendsText(target) }) })
    } catch (error) {
      broken.push({ row, outcome: bug(error), weight: 'ours' })
    }
  }
  const [first] = made
  if (!first) return broken
  const signal = AbortSignal.any([deps.stop, AbortSignal.timeout(timeoutMs)])
  const context: SendContext = { fetch: deps.fetch, now: deps.now, signal, isDry: deps.isDry ?? false }
  try {
    const messages = made.map(({ message }) => message)
    const outcome = await sendAs(form, { target, messages, first: first.message, urls: deps.urls, context })
    // A storm is of hundreds, each of which keeps what was sent.
    const repeated: Outcome = { ...outcome, request: `The message of ${first.row.id}`, response: null }
    const outcomeOf = (i: number) => (form === 'storm' && i > 0 ? repeated : outcome)
    return [...broken, ...made.map(({ row }, i) => ({ row, outcome: outcomeOf(i), weight: weightOf(i) }))]
  } catch (error) {
    return [...broken, ...made.map(({ row }) => ({ row, outcome: bug(error), weight: 'ours' as const }))]
  }
}

interface Sending {
  target: Target
  messages: Message[]
  first: Message
  urls: SendDeps['urls']
  context: SendContext
}

function sendAs(form: Batch['form'], { target, messages, first, urls, context }: Sending): Promise<Outcome> {
  switch (form) {
    case 'alone':
      return send(target, first, context)
    case 'digest':
      return sendDigest(target, messages, context)
    case 'storm':
      return sendStorm(target, { messages, list: reconciledUrl(urls.public) }, context)
  }
}

/** One failed message is one failure of the target, however many deliveries it contained. */
const weightOf = (place: number): Sent['weight'] => (place === 0 ? 'counts' : 'again')

const bug = (error: unknown): Outcome => ({
  outcome: 'retry',
  reason: `The relay could not make the message: ${error instanceof Error ? error.message : String(error)}`,
  statusCode: null,
  request: '',
  response: null,
  retryAfterMs: null,
})

interface Making {
  row: DeliveryRow
  change: Change | undefined
  sendsText: boolean
}

/** Throws if the change is gone, which is a bug. */
async function messageFor(
  { db, urls, directory }: SendDeps,
  { row, change, sendsText }: Making,
): Promise<Message> {
  if (!change) throw new Error('Its change is gone')
  const { projectId, subject, detail } = change
  const isOfPrompt = detail.prompt && projectId !== null
  const fact = JSON.parse(row.fact) as Fact
  const version = versionOf(fact, change)
  const base = directory ? directory.webUrlOf(change) : urls.langfuse
  const projectName = projectNameOf(directory, change)
  const observed = observedUrls(change, base)
  const content =
    isOfPrompt && version !== null && sendsText
      ? await versionText(db, { projectId, name: subject }, version)
      : null
  return {
    deliveryId: row.id,
    change,
    fact,
    text: content?.text,
    ...(projectName !== null && { projectName }),
    links: {
      page:
        fact.kind === 'given-up' ? failuresUrl(urls.public, fact.target) : changeUrl(urls.public, change.id),
      langfuse: isOfPrompt
        ? promptUrl(base, projectId, wholeName(change), version)
        : (firstLink(change, base) ?? observed['rows' in fact ? (fact.rows?.[0] ?? 0) : 0] ?? null),
      ...(observed.length > 0 ? { observed } : {}),
    },
  }
}

const firstLink = (change: Change, langfuse: string | null): string | null =>
  (change.detail.links[0] ?? callbackLinks(change, langfuse)[0])?.url ?? null

/** The span of a message: a child of its first change's settling, linked to the others'. */
function beginAttempt({ target, rows, changes }: Batch, startedAt: number): Span {
  const attributes = {
    'prompt_relay.target': target,
    'prompt_relay.deliveries': rows.map(({ id }) => id),
    'prompt_relay.attempt': rows[0]?.attempt ?? 0,
  }
  const from = rows.flatMap((row) => changes.get(row.change_id)?.detail.traceparent ?? [])
  return beginSpan(`send ${target}`, { attributes, from, startedAt, isRequest: true })
}

function endAttempt(span: Span, outcome: Outcome): void {
  const { statusCode, reason } = outcome
  const status = statusCode === null ? {} : { 'http.response.status_code': statusCode }
  const isWell = outcome.outcome === 'delivered' || outcome.outcome === 'dry-run'
  endSpan(span, { 'prompt_relay.outcome': outcome.outcome, ...status }, isWell ? null : reason)
}
