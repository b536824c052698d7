import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { retryAfterMs } from '../../base/retry.ts'
import type { TargetOf } from '../../core/rules/target-settings.ts'
import { type Answer, type Verdict, verdictOf, withQuote } from '../http.ts'
import { quotable } from '../text.ts'

/** Where GitHub names no time: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const unnamedWaitMs = 60_000

/** GitHub reports a rate limit with 429, or with 403 and a sign of one. Null: there is none. */
export function rateLimitOf({ status, headers, body }: Answer, now: number): Verdict | null {
  const isSpent = headers.get('x-ratelimit-remaining') === '0'
  const isLimited = isSpent || headers.has('retry-after') || /secondary rate limit/i.test(body)
  if (status !== 429 && !(status === 403 && isLimited)) return null
  // Epoch seconds.
  const reset = Number(headers.get('x-ratelimit-reset'))
  const untilReset = isSpent && reset * 1000 > now ? reset * 1000 - now : unnamedWaitMs
  const reason = `GitHub answered ${status}: its rate limit is reached`
  return { outcome: 'wait', reason, retryAfterMs: retryAfterMs(headers, now) ?? untilReset }
}

const refusal = z.object({ message: z.string() })

/** Why GitHub refused, in its own words. A body that was cut off, or comes from a proxy, is not its JSON. */
export const githubWords = (body: string): string =>
  quotable(refusal.safeParse(jsonOf(body)).data?.message ?? body)

/**
 * GitHub refuses with 403 for many reasons, and only its message says which. For an unknown one, only the message is
 * shown: wrong advice costs more than none.
 */
const forbidden: { says: RegExp; fix: (of: { who: string; repo: string }) => string }[] = [
  {
    says: /\bSAML\b|\bSSO\b|single sign-on/i,
    fix: ({ who }) =>
      `${who} is not authorized for the organization's single sign-on. Authorize it there (for a token: Configure SSO, beside it in GitHub's settings)`,
  },
  {
    says: /archived/i,
    fix: ({ repo }) => `${repo} is archived and accepts no events. Unarchive it, or set another repository`,
  },
  {
    says: /IP allow ?list|IP address/i,
    fix: () => "the organization allows only certain IP addresses. Add this machine's to its allow list",
  },
  {
    says: /forbids access|personal access tokens? \(classic\)|token's lifetime/i,
    fix: () =>
      'the organization does not allow this kind of token. Create one of a kind that it allows, and set it',
  },
  {
    says: /suspended|disabled|blocked/i,
    fix: ({ who, repo }) =>
      `the account behind ${who}, or ${repo} itself, is suspended or blocked. Its owner has to contact GitHub`,
  },
  {
    says: /^$|not accessible by|must have|permission|not found/i,
    fix: ({ who, repo }) =>
      `${who} may not write to ${repo}. Give it "Contents: read and write" for this repository`,
  },
]

/** What a permanent answer means, and what fixes it. */
function fixOf(status: number, words: string, { repo, token }: TargetOf<'github'>): string | null {
  const who = token === undefined ? 'the app' : 'the token'
  switch (status) {
    case 301:
    case 307:
    case 308:
      return `a redirect, which is not followed: ${repo} was renamed or moved. Set its new name`
    case 401:
      return 'the token is wrong, expired or revoked. Create a new one and set it'
    case 403:
      return forbidden.find(({ says }) => says.test(words))?.fix({ who, repo }) ?? null
    case 404:
      return `${who} cannot see ${repo}, or it does not exist`
    case 422:
      return 'it refused the payload. This is a bug in the relay: please report it'
    default:
      return null
  }
}

export function classifyGithub(answer: Answer, target: TargetOf<'github'>, now: number): Verdict {
  const { status, body } = answer
  const limit = rateLimitOf(answer, now)
  if (limit) return limit
  const verdict = verdictOf('GitHub', answer, now)
  if (verdict.outcome === 'delivered' && status !== 204) {
    const reason = `GitHub answered ${status}, not 204. Check that ${target.apiUrl} is the address of its API`
    return { outcome: 'failed', reason }
  }
  if (verdict.outcome !== 'failed') return verdict
  const words = githubWords(body)
  const fix = fixOf(status, words, target)
  const reason = fix === null ? verdict.reason : `GitHub answered ${status}: ${fix}`
  return { outcome: 'failed', reason: withQuote(reason, words) }
}
