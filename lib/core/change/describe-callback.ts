import { measureWords } from './burst.ts'
import type { Change, Fact, TraceFacts } from './change.ts'
import type { Description } from './describe.ts'
import type { TraceCallbackEvent } from './event.ts'

export type CallbackIds = Omit<TraceCallbackEvent, 'type'>

/** What Langfuse's API says of the ids of a callback. `no-answer`: ask again, after `retryAfterMs` where it said so. */
export type TraceAnswer =
  | { state: 'found'; ids: CallbackIds; trace: TraceFacts }
  | { state: 'not-found' }
  | {
      state: 'no-answer'
      retryAfterMs: number | null
      message: string
      /** The budget of requests is spent: it says nothing of how Langfuse is. */
      isUnasked?: true
    }

type Callback = Description & {
  facts: [Extract<Fact, { kind: 'trace-callback' }>]
  trace?: TraceFacts
}

/** Ids that machines made are known by their beginning. */
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

/** As machines make them: hex, a UUID, or what Langfuse calls its projects. Nobody can write a sentence in these. */
const madeByMachine = /^([0-9a-f-]{16,64}|c[a-z0-9]{24})$/i

/** What may be shown of a callback that anybody may have written, and that nobody confirmed. */
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

/** What a callback asks to look at, without an id. */
export function unnamed({ traceId, observationId }: CallbackIds): string {
  if (traceId !== null) return observationId === null ? 'a trace' : 'an observation of a trace'
  return observationId === null ? 'a session' : 'an observation'
}

const notAsked: TraceAnswer = { state: 'no-answer', retryAfterMs: null, message: 'There are no API keys' }

/**
 * `given`: null where there are no API keys to ask with. Then nothing of an anonymous callback is shown but ids that
 * machines make.
 */
export function describeCallback(said: CallbackIds, given: TraceAnswer | null): Callback {
  const answer = given === null && said.mustBeConfirmed ? notAsked : given
  const isFound = answer?.state === 'found'
  const isHidden = answer === null && said.isAnonymous === true
  const { traceId, observationId, sessionId } = isFound ? answer.ids : isHidden ? unconfirmedIds(said) : said
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
  const what = isNamed ? whatOf({ ...said, traceId, observationId, sessionId }, name) : unnamed(said)
  return {
    kind: 'trace-callback',
    title: `Someone asked to look at ${what}${endings[answer?.state ?? 'not-asked']}`,
    danger: false,
    facts: [fact],
    ...(isFound && { trace: answer.trace }),
  }
}

const endings = {
  found: '',
  'not-found': ', which Langfuse does not know',
  'no-answer': ', which could not be confirmed',
  'not-asked': ' (not confirmed)',
}

const observationWords = ({ observations, isLeast }: TraceFacts): string =>
  `${isLeast ? 'at least ' : ''}${observations.toLocaleString('en')}`

/** What is known of what a callback asks to look at, by name; empty for other changes. */
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
