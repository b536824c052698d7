import { maxBeyondMs, retryDelaysSeconds } from '../../base/retry.ts'

/**
 * How much may be sent to a target that asked for time (429), over all instances. Times in epoch milliseconds. Null instead:
 * there is no limit.
 */
export interface RateLimit {
  /** Since when every answer asks for time; null: it accepts messages again, up to `send_window` at once. */
  since: number | null
  /** Nothing is sent until then. */
  until: number | null
  /** How often in a row it asked for time. */
  waits: number
  /** Concurrent sends: one at first as a probe, and one more with each that succeeds. */
  send_window: number
}

/** With this many at once there is no limit any more. */
const openWindow = 50
const longestPauseMs = 600_000
const shortestPauseMs = 1000
/** This long without any other answer is a trouble. */
const troubleMs = 15 * 60_000

/**
 * How long to wait after the nth answer in a row that asks for time. `Retry-After` counts, but the wait doubles where it asks
 * for a second over and over. Without one, the wait grows with the retry schedule, up to 10 minutes.
 */
function pauseMs(waits: number, retryAfterMs: number | null, delays: readonly number[]): number {
  const doubled = shortestPauseMs * 2 ** Math.min(waits - 1, 20)
  const scheduled = (delays[Math.min(waits, delays.length - 1)] ?? 0) * 1000
  const grown = retryAfterMs === null ? Math.max(doubled, scheduled) : doubled
  return Math.max(retryMs(retryAfterMs), Math.min(grown, longestPauseMs))
}

const retryMs = (retryAfterMs: number | null): number =>
  Math.min(Math.max(retryAfterMs ?? 0, shortestPauseMs), maxBeyondMs)

/** A time further ahead than the longest wait was set while the clock was wrong. */
export const isAhead = (at: number | null, now: number, maxMs = maxBeyondMs): boolean =>
  at !== null && at > now && at <= now + maxMs

const isHeld = ({ until }: RateLimit, now: number): boolean => isAhead(until, now)

/** The target asked for time. While it is held, a late answer says nothing new, but may ask for longer. */
export function afterWait(
  limit: RateLimit | null,
  {
    retryAfterMs,
    now,
    delays = retryDelaysSeconds,
  }: { retryAfterMs: number | null; now: number; delays?: readonly number[] | undefined },
): RateLimit & { until: number } {
  if (limit && isHeld(limit, now)) {
    return { ...limit, until: Math.max(limit.until ?? 0, now + retryMs(retryAfterMs)), send_window: 1 }
  }
  const waits = (limit?.waits ?? 0) + 1
  return {
    since: Math.min(limit?.since ?? now, now),
    until: now + pauseMs(waits, retryAfterMs, delays),
    waits,
    send_window: 1,
  }
}

/** The target accepted a message or refused it for good: it answers, so more may be sent. */
export function afterAnswer(limit: RateLimit | null, now: number): RateLimit | null {
  if (limit === null || isHeld(limit, now)) return limit
  const send_window = limit.send_window + 1
  return send_window >= openWindow ? null : { since: null, until: null, waits: 0, send_window }
}

/** Since when a target only asks for time, once that is a quarter of an hour; null: not, or not so long. */
export function limitedSince(limit: RateLimit | null, now: number): number | null {
  if (limit?.since == null || limit.until === null || now - limit.since < troubleMs) return null
  // Nothing was sent since, so it is not known.
  return limit.until < now - troubleMs ? null : limit.since
}
