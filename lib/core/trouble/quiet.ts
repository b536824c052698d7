import type { WatchState } from './watch.ts'

/**
 * What is known of the time without a signed event. `never`: none has ever arrived. `recent`: one arrived within `quietMs`.
 * `unchanged`: Langfuse said recently that no prompt has changed since. `changed`: it named one that has. `no-keys`,
 * `no-answer`: the cause is unknown, because Langfuse cannot be asked or does not answer. `unwatched`: `QUIET_HOURS` is 0.
 * `clock`: the newest event is in the future, so the clock was set back.
 */
export type Quiet =
  | 'never'
  | 'recent'
  | 'unchanged'
  | 'changed'
  | 'no-keys'
  | 'no-answer'
  | 'unwatched'
  | 'clock'

/** Where silence is not watched, an event of the last day still shows that events arrive. */
const dayMs = 86_400_000
/** Langfuse is asked once an hour; an older answer says nothing. */
const answerMs = 3 * 3_600_000
/** Clocks of several instances differ. */
const aheadMs = 10 * 60_000

export interface QuietSeen extends Pick<WatchState, 'answeredAt' | 'changedAt'> {
  lastSignedAt: number | null
  now: number
  /** The time without a signed event after which it is quiet, milliseconds; 0: never. */
  quietMs: number
  /** Langfuse can be asked whether prompts changed. */
  hasKeys: boolean
}

export function quietness(seen: QuietSeen): Quiet {
  const { lastSignedAt, now, quietMs, hasKeys, answeredAt, changedAt } = seen
  if (lastSignedAt === null) return 'never'
  const age = now - lastSignedAt
  if (age < -aheadMs) return 'clock'
  if (age < (quietMs || dayMs)) return 'recent'
  if (quietMs === 0) return 'unwatched'
  if (!hasKeys) return 'no-keys'
  if (changedAt !== null) return 'changed'
  const isAnswered = answeredAt !== null && Math.abs(now - answeredAt) < answerMs
  return isAnswered ? 'unchanged' : 'no-answer'
}

/** Shown after the time of the last signed event; empty: nothing to add. */
export const quietWords: Record<Quiet, string> = {
  never: '',
  recent: '',
  unchanged: 'no prompt changed since',
  changed: 'although prompts changed in Langfuse',
  'no-keys': 'cause unknown; set API keys to check',
  'no-answer': 'cause unknown; Langfuse does not answer',
  unwatched: '',
  clock: 'the clock was set back',
}
