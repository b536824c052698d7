import { retryAfterMs } from '../../base/retry.ts'
import type { Answer, Verdict } from '../http.ts'

/** Where GitHub names no time: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const unnamedWaitMs = 60_000

/** GitHub says "wait" with 429, or with 403 and a sign of a rate limit. Null: it did not. */
export function askedToWait({ status, headers, body }: Answer, now: number): Verdict | null {
  const isSpent = headers.get('x-ratelimit-remaining') === '0'
  const isLimited = isSpent || headers.has('retry-after') || /secondary rate limit/i.test(body)
  if (status !== 429 && !(status === 403 && isLimited)) return null
  // Epoch seconds.
  const reset = Number(headers.get('x-ratelimit-reset'))
  const untilReset = isSpent && reset * 1000 > now ? reset * 1000 - now : unnamedWaitMs
  const reason = `GitHub asks for time: its rate limit is reached (${status})`
  return { outcome: 'wait', reason, retryAfterMs: retryAfterMs(headers, now) ?? untilReset }
}
