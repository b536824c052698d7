import { spelledDuration } from '../../base/duration.ts'
import { overlapMs, type PollState, type Stream, type StreamName, streamNames } from '../polling/state.ts'
import type { LangfuseProject } from '../rules/projects.ts'
import { type Finding, notYet, ok, problem } from './finding.ts'

/** `everyMs` 0: switched off. `state` null: it has never run. */
export interface PollSeen {
  hasKeys: boolean
  /** What the keys are called. */
  called: Pick<LangfuseProject['called'], 'publicKey' | 'secretKey'>
  everyMs: number
  state: PollState | null
}

const hour = 3_600_000
/** Beyond its own interval, this long without having read everything is a problem. */
const lateMs = 10 * 60_000

const newer: Record<StreamName, string> = { observations: 'v2 observations', scores: 'v3 scores' }
const older: Record<StreamName, string> = { observations: 'older observations', scores: 'older scores' }

const endpoints = (state: PollState): string =>
  streamNames.map((name) => (state[name].oldSince === null ? newer[name] : older[name])).join(' and ')

const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** The span that was skipped last, for a week. */
function skippedWords({ skipped }: Stream, name: StreamName, now: number): string[] {
  if (skipped === null || now - skipped.to > 7 * 24 * hour) return []
  return [`Skipped ${name} from ${utc(skipped.from)} to ${utc(skipped.to)} (BACKFILL_HOURS).`]
}

const behindMs = (state: PollState, now: number): number =>
  Math.max(...streamNames.map((name) => now - (state[name].doneAt ?? state[name].mark ?? 0)))

function behindWords(state: PollState, now: number): string {
  const marks = streamNames.map((name) => state[name].mark ?? now - overlapMs)
  return `${spelledDuration(Math.max(0, now + state.skewMs - Math.min(...marks)))} behind`
}

/** Whether traces and scores are read, from which endpoints, how far behind, and with which error. */
export function checkPolling({ hasKeys, called, everyMs, state }: PollSeen, now: number): Finding {
  if (!hasKeys)
    return notYet(
      'Off: errors, scores and usage are read with API keys.',
      `Set ${called.publicKey} and ${called.secretKey} to turn it on.`,
    )
  if (everyMs === 0) return notYet('Off: POLL_SECONDS is 0.', 'Set POLL_SECONDS to 60 to turn it on.')
  if (state === null) return notYet('It has not run yet.', 'Wait a moment, or have /api/cron called.')
  const skipped = streamNames.flatMap((name) => skippedWords(state[name], name, now))
  const errors = [state.error, ...streamNames.map((name) => state[name].error)]
  const error = errors.find((one) => one !== null)
  const doneAt = Math.min(...streamNames.map((name) => state[name].doneAt ?? 0))
  const isLate = behindMs(state, now) > everyMs + lateMs
  const fix = 'It catches up by itself. See docs/polling.md for limits and keys.'
  if (error) {
    const words = [`${error.message}, ${behindWords(state, now)}.`, ...skipped].join(' ')
    return problem(`${words} Last tried`, fix, error.at)
  }
  if (isLate)
    return problem([`Reading ${endpoints(state)}, ${behindWords(state, now)}.`, ...skipped].join(' '), fix)
  return ok([...skipped, `Reading ${endpoints(state)}. Last complete`].join(' '), doneAt)
}
