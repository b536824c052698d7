/** Seconds before each try: thirteen tries over three days. */
export const retryDelaysSeconds: readonly number[] = [
  0, 5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 86_400,
]

/** How far a `Retry-After` may move a try beyond its place in the schedule. */
export const maxBeyondMs = 2 * 3_600_000
const jitter = 0.1

/**
 * When to try again after `failures` failed tries (1 or more), in epoch milliseconds. The place in the schedule varies by
 * ±10 %. A later `Retry-After` is respected, up to 2 h beyond it.
 */
export function nextTry(after: {
  failures: number
  /** Replaces `retryDelaysSeconds`. */
  delays?: readonly number[]
  retryAfterMs: number | null
  now: number
  /** 0 to 1. */
  random: () => number
}): { at: number } | { givenUp: true } {
  const seconds = (after.delays ?? retryDelaysSeconds)[after.failures]
  if (seconds === undefined) return { givenUp: true }
  const scheduled = after.now + seconds * 1000 * (1 - jitter + 2 * jitter * after.random())
  const requested = after.now + (after.retryAfterMs ?? 0)
  return { at: Math.round(Math.max(scheduled, Math.min(requested, scheduled + maxBeyondMs))) }
}

/**
 * `Retry-After` in seconds or as a date, in milliseconds from now; the only place that reads it. Null if it is missing or
 * unusable: neither a number nor a date of RFC 9110, several values, zero, or a time in the past.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim()
  if (!value) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000 || null
  // Only what starts with a weekday: `Date.parse` reads "1.5" and "-5" as dates.
  const date = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : Number.NaN
  return date > now ? date - now : null
}
