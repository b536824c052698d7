/** Seconds before each try: thirteen over three days. */
export const retryDelaysSeconds: readonly number[] = [
  0, 5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 86_400,
]

/** How far a `Retry-After` may move a try beyond its place in the schedule, whoever asked for it. */
export const maxBeyondMs = 2 * 3_600_000
const jitter = 0.1

/**
 * When to try again after `failures` failed tries (1 or more), in epoch milliseconds. The place in the schedule
 * varies by ±10 %; a later `Retry-After` counts, up to 2 h beyond it.
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
  const asked = after.now + (after.retryAfterMs ?? 0)
  return { at: Math.round(Math.max(scheduled, Math.min(asked, scheduled + maxBeyondMs))) }
}

/**
 * `Retry-After` in seconds or as a date, in milliseconds from now; the one place that reads it. Null where there is
 * none, or none that can be used: no number or date of RFC 9110, several values, no time at all, or a time gone by.
 */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim()
  if (!value) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000 || null
  // Only what begins with a weekday: `Date.parse` reads "1.5" and "-5" as dates.
  const date = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : Number.NaN
  return date > now ? date - now : null
}
