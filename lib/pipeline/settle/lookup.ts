import type { StoredPromptEvent } from '../../core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '../../core/change/describe-callback.ts'
import type { PromptKey, VersionContent } from '../../core/prompt/fold.ts'

/** A version whose text no event has told, wanted for a difference. */
export interface VersionRequest extends PromptKey {
  version: number
}

/** A label that events tell to have left a version, or to have been deleted with it: does anything carry it now? */
export interface LabelRequest extends PromptKey {
  label: string
}

/** `holder`: the version that carries it, as of now; null: none does. */
export interface LabelAnswer {
  holder: StoredPromptEvent | null
}

/** What must be read from Langfuse before a change can be interpreted. */
export type LookupRequest = { version: VersionRequest } | { trace: CallbackIds } | { label: LabelRequest }

/** Gives what was read elsewhere; null where there is nobody to ask (or no text to be had), undefined: not asked yet. */
export interface Lookups {
  version: (request: VersionRequest) => VersionContent | null | undefined
  trace: (request: CallbackIds) => TraceAnswer | null | undefined
  label: (request: LabelRequest) => LabelAnswer | null | undefined
}

export interface Readers {
  readVersion?: (request: VersionRequest) => Promise<VersionContent | null>
  readTrace?: (request: CallbackIds) => Promise<TraceAnswer>
  readLabel?: (request: LabelRequest) => Promise<LabelAnswer | null>
}

/** How long a trace is asked for, from the callback on, and how long after one try the next comes. */
const askForMs = 10 * 60_000
const againMs = 30_000

/**
 * What was read for one change so far. `read` gives null where it now knows, or when to ask again: a difference is
 * worth asking once, but ids that anyone may have written are not told before Langfuse had some time to confirm them.
 */
export function readings({ readVersion, readTrace, readLabel }: Readers): {
  lookups: Lookups
  read: (request: LookupRequest, at: { since: number; now: number }) => Promise<number | null>
} {
  const versions = new Map<string, VersionContent | null>()
  const traces = new Map<string, TraceAnswer>()
  const labels = new Map<string, LabelAnswer | null>()
  const keyOf = (request: VersionRequest | CallbackIds | LabelRequest): string => JSON.stringify(request)

  async function read(
    request: LookupRequest,
    { since, now }: { since: number; now: number },
  ): Promise<number | null> {
    if ('version' in request) {
      versions.set(keyOf(request.version), (await readVersion?.(request.version)) ?? null)
      return null
    }
    if ('label' in request) {
      labels.set(keyOf(request.label), (await readLabel?.(request.label)) ?? null)
      return null
    }
    const answer = await readTrace?.(request.trace)
    if (!answer) return null
    const until = since + askForMs
    if (answer.state === 'no-answer' && now < until)
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

/** After no answer came, nothing is asked for this long: each that hangs takes the place of another. */
const restMs = 60_000

/** When Langfuse may be asked again; one for each of its limits. Times in milliseconds. */
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

/** Reads versions, or labels, by `read` (undefined: no answer), with a rest after each time that no answer came; nothing is known meanwhile. */
export function versionsWithRest<Request, Answer>(
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

/** Reads traces by `read`, with a rest after each time that no answer came to what was asked. */
export function withRest(
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
    if (answer.state === 'no-answer' && !answer.isUnasked) {
      failed = answer
      rest.begin(answer.retryAfterMs)
    } else if (answer.state !== 'no-answer') rest.end()
    return answer
  }
}
