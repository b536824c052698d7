import { maxBeyondMs, retryDelaysSeconds } from '../../base/retry.ts'

/**
 * What a target that asks for time (429) leaves to be sent to it, over all instances. Times in epoch milliseconds.
 * Null in the place of it: the target takes what comes.
 */
export interface RateLimit {
  /** Since when every answer asks for time; null: it takes messages again, up to `send_window` at once. */
  since: number | null
  /** Nothing is sent until then. */
  until: number | null
  /** How often in a row it asked for time. */
  waits: number
  /** Sends under way at once: one at first, to see, and one more with each that gets through. */
  send_window: number
}

/** With so many at once it takes what comes. */
const openWindow = 50
const longestPauseMs = 600_000
const shortestPauseMs = 1000
/** So long without another answer, and it is a trouble. */
const troubleMs = 15 * 60_000

/**
 * How long to wait when it asked for time for the nth time in a row. A usable `Retry-After` counts, but for a second
 * that is asked for again and again; without one the wait grows by the retry schedule, to 10 minutes.
 */
function pauseMs(waits: number, retryAfterMs: number | null, delays: readonly number[]): number {
  const doubled = shortestPauseMs * 2 ** Math.min(waits - 1, 20)
  const scheduled = (delays[Math.min(waits, delays.length - 1)] ?? 0) * 1000
  const grown = retryAfterMs === null ? Math.max(doubled, scheduled) : doubled
  return Math.max(askedMs(retryAfterMs), Math.min(grown, longestPauseMs))
}

const askedMs = (retryAfterMs: number | null): number =>
  Math.min(Math.max(retryAfterMs ?? 0, shortestPauseMs), maxBeyondMs)

/** A time further ahead than any was set while the clock was wrong. */
export const isAhead = (at: number | null, now: number, maxMs = maxBeyondMs): boolean =>
  at !== null && at > now && at <= now + maxMs

const isHeld = ({ until }: RateLimit, now: number): boolean => isAhead(until, now)

/** The target asked for time. What was sent before it asked the last time says nothing new, but may ask for longer. */
export function afterWait(
  limit: RateLimit | null,
  asked: { retryAfterMs: number | null; now: number; delays?: readonly number[] | undefined },
): RateLimit & { until: number } {
  const { retryAfterMs, now, delays = retryDelaysSeconds } = asked
  if (limit && isHeld(limit, now)) {
    return { ...limit, until: Math.max(limit.until ?? 0, now + askedMs(retryAfterMs)), send_window: 1 }
  }
  const waits = (limit?.waits ?? 0) + 1
  return {
    since: Math.min(limit?.since ?? now, now),
    until: now + pauseMs(waits, retryAfterMs, delays),
    waits,
    send_window: 1,
  }
}

/** The target took a message, or refused it for good: it answers, so more may go. */
export function afterAnswer(limit: RateLimit | null, now: number): RateLimit | null {
  if (limit === null || isHeld(limit, now)) return limit
  const send_window = limit.send_window + 1
  return send_window >= openWindow ? null : { since: null, until: null, waits: 0, send_window }
}

/** Since when a target does nothing but ask for time, once that is a quarter of an hour; null: it does not. */
export function limitedSince(limit: RateLimit | null, now: number): number | null {
  if (limit?.since == null || limit.until === null || now - limit.since < troubleMs) return null
  // Nothing was sent since, so nobody knows.
  return limit.until < now - troubleMs ? null : limit.since
}
