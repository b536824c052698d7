import type { PromptKey, VersionContent } from './db/prompts.ts'
import type { CallbackIds, TraceAnswer } from './describe-callback.ts'

/** A version whose text no event has told, wanted for a difference. */
export interface WantedVersion extends PromptKey {
  version: number
}

/** What a change needs to know before it can be told. */
export type Wanted = { version: WantedVersion } | { trace: CallbackIds }

/** Gives what was read elsewhere; null where there is nobody to ask (or no text to be had), undefined: not asked yet. */
export interface Elsewhere {
  version: (wanted: WantedVersion) => VersionContent | null | undefined
  trace: (wanted: CallbackIds) => TraceAnswer | null | undefined
}

interface Readers {
  readVersion?: (wanted: WantedVersion) => Promise<VersionContent | null>
  readTrace?: (wanted: CallbackIds) => Promise<TraceAnswer>
}

/** How long a trace is asked for, from the callback on, and how long after one try the next comes. */
const askForMs = 10 * 60_000
const againMs = 30_000

/**
 * What was read for one change so far. `read` gives null where it now knows, or when to ask again: a difference is
 * worth asking once, but ids that anyone may have written are not told before Langfuse had some time to confirm them.
 */
export function readings({ readVersion, readTrace }: Readers): {
  elsewhere: Elsewhere
  read: (wanted: Wanted, at: { since: number; now: number }) => Promise<number | null>
} {
  const versions = new Map<string, VersionContent | null>()
  const traces = new Map<string, TraceAnswer>()
  const keyOf = (wanted: WantedVersion | CallbackIds): string => JSON.stringify(wanted)

  async function read(
    wanted: Wanted,
    { since, now }: { since: number; now: number },
  ): Promise<number | null> {
    if ('version' in wanted) {
      versions.set(keyOf(wanted.version), (await readVersion?.(wanted.version)) ?? null)
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
    },
    read,
  }
}

/** After no answer came, nobody is asked for this long: one that hangs would hold up all else that is to be settled. */
const restMs = 60_000

/** Reads traces by `read`, with a rest after each time that no answer came to what was asked. */
export function withRest(
  read: (wanted: CallbackIds) => Promise<TraceAnswer>,
  now: () => number,
): (wanted: CallbackIds) => Promise<TraceAnswer> {
  let failed: { answer: Extract<TraceAnswer, { state: 'no-answer' }>; until: number } | null = null
  return async (wanted) => {
    const wait = failed === null ? 0 : failed.until - now()
    if (failed && wait > 0) return { ...failed.answer, retryAfterMs: wait }
    const answer = await read(wanted)
    failed =
      answer.state === 'no-answer' && !answer.isUnasked
        ? { answer, until: now() + Math.max(restMs, answer.retryAfterMs ?? 0) }
        : null
    return answer
  }
}
