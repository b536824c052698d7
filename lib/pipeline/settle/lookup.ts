import type { StoredPromptEvent } from '../../core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '../../core/change/describe-callback.ts'
import type { PromptKey, VersionContent } from '../../core/prompt/state.ts'

/** A version whose text no event has told, wanted for a difference. */
export interface WantedVersion extends PromptKey {
  version: number
}

/** A label that events tell to have left a version, or to have been deleted with it: does anything carry it now? */
export interface WantedLabel extends PromptKey {
  label: string
}

/** `holder`: the version that carries it, as of now; null: none does. */
export interface LabelAnswer {
  holder: StoredPromptEvent | null
}

/** What a change needs to know before it can be told. */
export type Wanted = { version: WantedVersion } | { trace: CallbackIds } | { label: WantedLabel }

/** Gives what was read elsewhere; null where there is nobody to ask (or no text to be had), undefined: not asked yet. */
export interface Elsewhere {
  version: (wanted: WantedVersion) => VersionContent | null | undefined
  trace: (wanted: CallbackIds) => TraceAnswer | null | undefined
  label: (wanted: WantedLabel) => LabelAnswer | null | undefined
}

export interface Readers {
  readVersion?: (wanted: WantedVersion) => Promise<VersionContent | null>
  readTrace?: (wanted: CallbackIds) => Promise<TraceAnswer>
  readLabel?: (wanted: WantedLabel) => Promise<LabelAnswer | null>
}

/** How long a trace is asked for, from the callback on, and how long after one try the next comes. */
const askForMs = 10 * 60_000
const againMs = 30_000

/**
 * What was read for one change so far. `read` gives null where it now knows, or when to ask again: a difference is
 * worth asking once, but ids that anyone may have written are not told before Langfuse had some time to confirm them.
 */
export function readings({ readVersion, readTrace, readLabel }: Readers): {
  elsewhere: Elsewhere
  read: (wanted: Wanted, at: { since: number; now: number }) => Promise<number | null>
} {
  const versions = new Map<string, VersionContent | null>()
  const traces = new Map<string, TraceAnswer>()
  const labels = new Map<string, LabelAnswer | null>()
  const keyOf = (wanted: WantedVersion | CallbackIds | WantedLabel): string => JSON.stringify(wanted)

  async function read(
    wanted: Wanted,
    { since, now }: { since: number; now: number },
  ): Promise<number | null> {
    if ('version' in wanted) {
      versions.set(keyOf(wanted.version), (await readVersion?.(wanted.version)) ?? null)
      return null
    }
    if ('label' in wanted) {
      labels.set(keyOf(wanted.label), (await readLabel?.(wanted.label)) ?? null)
      return null
    }
    const answer = await readTrace?.(wanted.trace)
    if (!answer) return null
    const until = since + askForMs
    if (answer.state === 'no-answer' && now < until)
      return Math.min(until, now + Math.max(againMs, answer.retryAfterMs ?? 0))
    traces.set(keyOf(wanted.trace), answer)
    return null
  }

  return {
    elsewhere: {
      version: (wanted) => (readVersion ? versions.get(keyOf(wanted)) : null),
      trace: (wanted) => (readTrace ? traces.get(keyOf(wanted)) : null),
      label: (wanted) => (readLabel ? labels.get(keyOf(wanted)) : null),
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
export function versionsWithRest<Asked, Answer>(
  read: (wanted: Asked) => Promise<Answer | null | undefined>,
  rest: Rest,
): (wanted: Asked) => Promise<Answer | null> {
  return async (wanted) => {
    if (rest.left() > 0) return null
    const answer = await read(wanted)
    if (answer === undefined) rest.begin(null)
    else rest.end()
    return answer ?? null
  }
}

/** Reads traces by `read`, with a rest after each time that no answer came to what was asked. */
export function withRest(
  read: (wanted: CallbackIds) => Promise<TraceAnswer>,
  rest: Rest,
): (wanted: CallbackIds) => Promise<TraceAnswer> {
  let failed: Extract<TraceAnswer, { state: 'no-answer' }> = {
    state: 'no-answer',
    message: 'Langfuse did not answer',
    retryAfterMs: null,
  }
  return async (wanted) => {
    const wait = rest.left()
    if (wait > 0) return { ...failed, retryAfterMs: wait }
    const answer = await read(wanted)
    if (answer.state === 'no-answer' && !answer.isUnasked) {
      failed = answer
      rest.begin(answer.retryAfterMs)
    } else if (answer.state !== 'no-answer') rest.end()
    return answer
  }
}
