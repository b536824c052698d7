import { spelledDuration } from '../../base/duration.ts'
import { overlapMs, type PollState, type Stream, type StreamName, streamNames } from '../polling/state.ts'
import { type Finding, notYet, ok, problem } from './check.ts'

/** Polling, as the setup page sees it. `everyMs` 0: switched off. `state` null: it never ran. */
export interface PollSeen {
  hasKeys: boolean
  everyMs: number
  state: PollState | null
}

const hour = 3_600_000
/** So long without having read all there is, beyond its own pace, is worth a look. */
const lateMs = 10 * 60_000

const newer: Record<StreamName, string> = { observations: 'v2 observations', scores: 'v3 scores' }
const older: Record<StreamName, string> = { observations: 'older observations', scores: 'older scores' }

const endpoints = (state: PollState): string =>
  streamNames.map((name) => (state[name].oldSince === null ? newer[name] : older[name])).join(' and ')

const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** The time that was left out last, for as long as anybody would look for it. */
function skippedWords({ skipped }: Stream, name: StreamName, now: number): string[] {
  if (skipped === null || now - skipped.to > 7 * 24 * hour) return []
  return [`Of ${name}, ${utc(skipped.from)} to ${utc(skipped.to)} was left out (BACKFILL_HOURS).`]
}

const behindMs = (state: PollState, now: number): number =>
  Math.max(...streamNames.map((name) => now - (state[name].doneAt ?? state[name].mark ?? 0)))

function behindWords(state: PollState, now: number): string {
  const marks = streamNames.map((name) => state[name].mark ?? now - overlapMs)
  return `${spelledDuration(Math.max(0, now + state.skewMs - Math.min(...marks)))} behind`
}

/** Whether traces and scores are read, by which endpoints, how far it is, and what is in the way. */
export function checkPolling({ hasKeys, everyMs, state }: PollSeen, now: number): Finding {
  if (!hasKeys)
    return notYet(
      'Off: errors, scores and usage are read with the API keys.',
      'Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to use it.',
    )
  if (everyMs === 0) return notYet('Off: POLL_SECONDS is 0.', 'Set POLL_SECONDS to 60 to use it.')
  if (state === null) return notYet('It has not run yet.', 'Wait a moment, or have /api/cron called.')
  const skipped = streamNames.flatMap((name) => skippedWords(state[name], name, now))
  const errors = [state.error, ...streamNames.map((name) => state[name].error)]
  const error = errors.find((one) => one !== null)
  const doneAt = Math.min(...streamNames.map((name) => state[name].doneAt ?? 0))
  const isLate = behindMs(state, now) > everyMs + lateMs
  const fix = 'What is missing is caught up with by itself. See docs/polling.md for limits and keys.'
  if (error) {
    const words = [`${error.message}, ${behindWords(state, now)}.`, ...skipped].join(' ')
    return problem(`${words} Last try`, fix, error.at)
  }
  if (isLate)
    return problem([`Reading ${endpoints(state)}, ${behindWords(state, now)}.`, ...skipped].join(' '), fix)
  return ok([...skipped, `Reading ${endpoints(state)}. All was read`].join(' '), doneAt)
}
