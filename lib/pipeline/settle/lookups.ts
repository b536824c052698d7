import { type KeyedQueue, keyedQueue } from '../../base/keyed-queue.ts'
import type { StoredPromptEvent } from '../../core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '../../core/change/describe-callback.ts'
import type { PromptKey, VersionContent } from '../../core/prompt/fold.ts'

/** A version whose text is needed for a difference, and was in no event. */
export interface VersionRequest extends PromptKey {
  version: number
}

/** A label that left a version, or was deleted with it: does any version carry it now? */
export interface LabelRequest extends PromptKey {
  label: string
}

/** `holder`: the version that carries it, as of now; null: none does. */
export interface LabelAnswer {
  holder: StoredPromptEvent | null
}

/** What must be read from Langfuse before a change can be interpreted. */
export type LookupRequest = { version: VersionRequest } | { trace: CallbackIds } | { label: LabelRequest }

/** What was read for a change. Null: not available, for example without API keys; undefined: not requested yet. */
export interface Lookups {
  version: (request: VersionRequest) => VersionContent | null | undefined
  trace: (request: CallbackIds) => TraceAnswer | null | undefined
  label: (request: LabelRequest) => LabelAnswer | null | undefined
}

/** Absent without API keys. */
export interface Readers {
  readVersion?: (request: VersionRequest) => Promise<VersionContent | null>
  readTrace?: (request: CallbackIds) => Promise<TraceAnswer | null>
  readLabel?: (request: LabelRequest) => Promise<LabelAnswer | null>
  /** The project whose keys read it: projects do not wait for each other. Absent: there is only one. */
  laneOf?: (projectId: string) => string
}

/** For how long after its callback a trace is requested, and the pause between two requests. */
const askForMs = 10 * 60_000
const againMs = 30_000

interface Readings {
  lookups: Lookups
  /** Null: it is known now; else when to request it again, epoch milliseconds. `since`: when the change was opened. */
  read: (request: LookupRequest, at: { since: number; now: number }) => Promise<number | null>
}

/**
 * The answers for one change. A text is requested once, but ids that anyone may have written are requested for a while:
 * no one is notified before Langfuse has had time to confirm them.
 */
function readings({ readVersion, readTrace, readLabel }: Readers): Readings {
  const versions = new Map<string, VersionContent | null>()
  const traces = new Map<string, TraceAnswer | null>()
  const labels = new Map<string, LabelAnswer | null>()
  const keyOf = (request: VersionRequest | CallbackIds | LabelRequest): string => JSON.stringify(request)

  const read: Readings['read'] = async (request, { since, now }) => {
    if ('version' in request) {
      versions.set(keyOf(request.version), (await readVersion?.(request.version)) ?? null)
      return null
    }
    if ('label' in request) {
      labels.set(keyOf(request.label), (await readLabel?.(request.label)) ?? null)
      return null
    }
    const answer = (await readTrace?.(request.trace)) ?? null
    const until = since + askForMs
    if (answer?.state === 'no-answer' && now < until)
      return Math.min(until, now + Math.max(againMs, answer.retryAfterMs ?? 0))
    traces.set(keyOf(request.trace), answer)
    return null
  }

  return {
    lookups: {
      version: (request) => (readVersion ? versions.get(keyOf(request)) : null),
      trace: (request) => (readTrace ? traces.get(keyOf(request)) : null),
      label: (request) => (readLabel ? labels.get(keyOf(request)) : null),
    },
    read,
  }
}

/** Concurrent requests to one project. Langfuse limits them, and one that hangs must not block others. */
const maxAtOnce = 4
/** Changes whose answers are remembered until they settle. */
const maxRemembered = 1000

export interface LookupDeps {
  readers: Readers
  now: () => number
  /** True: start nothing more. */
  stopping: () => boolean
  /** The answer is known (`againAt` null), or is to be requested again then (epoch milliseconds). */
  onAnswer: (changeId: string, againAt: number | null) => Promise<void>
  onError: (error: unknown) => void
}

/** Reads what changes need from Langfuse, while others settle. */
export interface LookupQueue {
  /** What was read for this change so far. */
  known: (changeId: string) => Lookups
  /** Reads something for a change as soon as there is room, one request at a time for each change. */
  begin: (change: { id: string; openedAt: number }, request: LookupRequest) => void
  isUnderWay: (changeId: string) => boolean
  /** It has settled. */
  forget: (changeId: string) => void
  /** Resolves when nothing is being read. */
  idle: () => Promise<void>
}

interface Lookup {
  openedAt: number
  request: LookupRequest
}

function projectIdOf(request: LookupRequest): string {
  if ('version' in request) return request.version.projectId
  return 'label' in request ? request.label.projectId : request.trace.projectId
}

export function createLookupQueue({ readers, now, stopping, onAnswer, onError }: LookupDeps): LookupQueue {
  const known = new Map<string, Readings>()
  const nothing = readings(readers)
  const lanes = new Map<string, KeyedQueue<Lookup>>()
  const newLane = (): KeyedQueue<Lookup> =>
    keyedQueue<Lookup, number | null>({
      atOnce: maxAtOnce,
      stopping,
      work: (id, { openedAt, request }) => readingsOf(id).read(request, { since: openedAt, now: now() }),
      done: onAnswer,
      onError,
    })
  const isUnderWay = (changeId: string): boolean =>
    [...lanes.values()].some((lane) => lane.isUnderWay(changeId))

  function laneOf(request: LookupRequest): KeyedQueue<Lookup> {
    const name = readers.laneOf?.(projectIdOf(request)) ?? ''
    const lane = lanes.get(name) ?? newLane()
    lanes.set(name, lane)
    return lane
  }

  function readingsOf(changeId: string): Readings {
    const found = known.get(changeId) ?? readings(readers)
    known.set(changeId, found)
    for (const id of known.keys()) {
      if (known.size <= maxRemembered) break
      // Probably settled by another instance; otherwise it is read again.
      if (!isUnderWay(id)) known.delete(id)
    }
    return found
  }

  return {
    known: (changeId) => (known.get(changeId) ?? nothing).lookups,
    begin: ({ id, openedAt }, request) => laneOf(request).begin(id, { openedAt, request }),
    isUnderWay,
    forget: (changeId) => known.delete(changeId),
    idle: async () => {
      await Promise.all([...lanes.values()].map((lane) => lane.idle()))
    },
  }
}

/** Pause after a request without an answer: each one that hangs keeps others waiting. */
const restMs = 60_000

/** A pause of requests to Langfuse, one for each of its rate limits. Times in milliseconds. */
export interface Rest {
  left: () => number
  /** `retryAfterMs`: as long as Langfuse asked for. */
  begin: (retryAfterMs: number | null) => void
  end: () => void
}

export function createRest(now: () => number): Rest {
  let until = 0
  return {
    left: () => Math.max(0, until - now()),
    begin: (retryAfterMs) => {
      until = now() + Math.max(restMs, retryAfterMs ?? 0)
    },
    end: () => {
      until = 0
    },
  }
}

/** Wraps `read` (undefined: no answer): pauses after each missing answer, and returns null meanwhile. */
export function withRest<Request, Answer>(
  read: (request: Request) => Promise<Answer | null | undefined>,
  rest: Rest,
): (request: Request) => Promise<Answer | null> {
  return async (request) => {
    if (rest.left() > 0) return null
    const answer = await read(request)
    if (answer === undefined) rest.begin(null)
    else rest.end()
    return answer ?? null
  }
}

/** The same for traces, which have an answer of their own for that. */
export function tracesWithRest(
  read: (request: CallbackIds) => Promise<TraceAnswer>,
  rest: Rest,
): (request: CallbackIds) => Promise<TraceAnswer> {
  let failed: Extract<TraceAnswer, { state: 'no-answer' }> = {
    state: 'no-answer',
    message: 'Langfuse did not answer',
    retryAfterMs: null,
  }
  return async (request) => {
    const wait = rest.left()
    if (wait > 0) return { ...failed, retryAfterMs: wait }
    const answer = await read(request)
    if (answer.state === 'no-answer' && !answer.isOverBudget) {
      failed = answer
      rest.begin(answer.retryAfterMs)
    } else if (answer.state !== 'no-answer') rest.end()
    return answer
  }
}
