import { measureWords } from './burst.ts'
import type { Change, Fact, TraceFacts } from './change.ts'
import type { Description } from './describe.ts'
import type { TraceCallbackEvent } from './event.ts'

export type CallbackIds = Omit<TraceCallbackEvent, 'type'>

/** What Langfuse's API says of a callback's ids. `no-answer`: try again, after `retryAfterMs` where it asks for that. */
export type TraceAnswer =
  | { state: 'found'; ids: CallbackIds; trace: TraceFacts }
  | { state: 'not-found' }
  | {
      state: 'no-answer'
      retryAfterMs: number | null
      message: string
      /** The request budget is spent, so nothing is known of Langfuse's state. */
      isOverBudget?: true
    }

/** Why no target is notified of a callback. */
export const withheldWords = {
  'not-found': 'Langfuse does not know it',
  'no-answer': 'Langfuse did not confirm it',
}

type Callback = Description & {
  facts: [Extract<Fact, { kind: 'trace-callback' }>]
  trace?: TraceFacts
}

/** The beginning is enough to recognise a machine-made id. */
const short = (id: string): string =>
  /^[0-9a-f-]{16,}$/i.test(id) ? `${id.slice(0, 8)}…` : id.length > 60 ? `${id.slice(0, 59)}…` : id

function whatOf({ traceId, observationId, sessionId }: CallbackIds, name: string | null): string {
  if (traceId !== null) {
    const which = name ? `${name.slice(0, 200).toWellFormed()} (${short(traceId)})` : short(traceId)
    return observationId === null ? `trace ${which}` : `an observation of trace ${which}`
  }
  if (sessionId !== null) return `session ${short(sessionId)}`
  return `observation ${short(observationId ?? '')}`
}

/** Hex, a UUID, or one of Langfuse's project ids: forms in which no one can write a sentence. */
const madeByMachine = /^([0-9a-f-]{16,64}|c[a-z0-9]{24})$/i

/** The ids of an unconfirmed callback from anyone that may be shown. */
export function unconfirmedIds({ projectId, traceId, observationId, sessionId }: CallbackIds): {
  projectId: string | null
  traceId: string | null
  observationId: string | null
  sessionId: string | null
} {
  const shown = (id: string | null): string | null => (id !== null && madeByMachine.test(id) ? id : null)
  return {
    projectId: shown(projectId),
    traceId: shown(traceId),
    observationId: shown(observationId),
    sessionId: shown(sessionId),
  }
}

/** What a callback is about, without an id. */
export function unnamed({ traceId, observationId }: CallbackIds): string {
  if (traceId !== null) return observationId === null ? 'a trace' : 'an observation of a trace'
  return observationId === null ? 'a session' : 'an observation'
}

const withoutKeys: TraceAnswer = { state: 'no-answer', retryAfterMs: null, message: 'There are no API keys' }

/** `given`: null without API keys; then only machine-made ids of an anonymous callback are shown. */
export function describeCallback(ids: CallbackIds, given: TraceAnswer | null): Callback {
  const answer = given === null && ids.mustBeConfirmed ? withoutKeys : given
  const isFound = answer?.state === 'found'
  const isHidden = answer === null && ids.isAnonymous === true
  const { traceId, observationId, sessionId } = isFound ? answer.ids : isHidden ? unconfirmedIds(ids) : ids
  const fact = {
    kind: 'trace-callback' as const,
    traceId,
    observationId,
    sessionId,
    confirmed: isFound,
    ...(answer && !isFound && { withheld: answer.state }),
  }
  const isNamed = [traceId, observationId, sessionId].some((id) => id !== null)
  const name = isFound ? answer.trace.name : null
  const what = isNamed ? whatOf({ ...ids, traceId, observationId, sessionId }, name) : unnamed(ids)
  return {
    kind: 'trace-callback',
    title: `Someone asked for a look at ${what}${endings[answer?.state ?? 'no-keys']}`,
    danger: false,
    facts: [fact],
    ...(isFound && { trace: answer.trace }),
  }
}

const endings = {
  found: '',
  'not-found': ', which Langfuse does not know',
  'no-answer': ', which could not be confirmed',
  'no-keys': ' (not confirmed)',
}

const observationWords = ({ observations, isLeast }: TraceFacts): string =>
  `${isLeast ? 'at least ' : ''}${observations.toLocaleString('en')}`

/** What is known of a callback's trace, observation or session, by name; empty for other changes. */
export function callbackFields({
  facts,
  trace,
}: Pick<Change['detail'], 'facts' | 'trace'>): [name: string, value: string][] {
  const fact = facts.find((one) => one.kind === 'trace-callback')
  if (!fact) return []
  const known = trace && { ...trace, ...measuresOf(trace) }
  const fields: [string, string | null | undefined][] = [
    ['Name', known?.name],
    ['Trace', fact.traceId],
    ['Observation', fact.observationId],
    ['Session', fact.sessionId],
    ['User', known?.user],
    ['Level', known?.level],
    ['Latency', known?.latency],
    ['Cost', known?.spent],
    ['Observations', known && known.observations > 0 ? observationWords(known) : null],
  ]
  return fields.flatMap(([name, value]) => (value ? [[name, value] satisfies [string, string]] : []))
}

function measuresOf({ latencyMs, cost }: TraceFacts): {
  latency: string | undefined
  spent: string | undefined
} {
  const [latency] = measureWords({ latencyMs, cost: null })
  const [spent] = measureWords({ latencyMs: null, cost })
  return { latency, spent }
}
