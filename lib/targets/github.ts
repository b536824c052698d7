import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { GithubTarget } from '../rules.ts'
import { githubDispatch } from './github-payload.ts'
import { type Answer, exchange, outcomeOf, retryAfterMs, type Verdict, verdictOf } from './http.ts'
import { cut, oneLine, visible } from './text.ts'

/** What a permanent answer means, and what mends it. */
function fixOf(status: number, { repo }: GithubTarget): string | null {
  switch (status) {
    case 301:
    case 307:
    case 308:
      return `a redirect, which is not followed: ${repo} was renamed or moved. Set its new name`
    case 401:
      return 'the token is wrong, expired or revoked. Make a new one and set it'
    case 403:
      return `the token may not write to ${repo}. Give it "Contents: read and write" for this repository`
    case 404:
      return `the token cannot see ${repo}, or it does not exist`
    case 422:
      return 'it did not take the payload. This is a bug of the relay: please report it'
    default:
      return null
  }
}

/** Where GitHub names no time: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
const unnamedWaitMs = 60_000

/** GitHub says "wait" with 429, or with 403 and a sign of a rate limit. Null: it did not. */
function askedToWait({ status, headers, body }: Answer, now: number): Verdict | null {
  const isSpent = headers.get('x-ratelimit-remaining') === '0'
  const isLimited = isSpent || headers.has('retry-after') || /secondary rate limit/i.test(body)
  if (status !== 429 && !(status === 403 && isLimited)) return null
  // Epoch seconds.
  const reset = Number(headers.get('x-ratelimit-reset'))
  const untilReset = isSpent && reset > 0 ? Math.max(0, reset * 1000 - now) : unnamedWaitMs
  const reason = `GitHub asks for time: its rate limit is reached (${status})`
  return { outcome: 'wait', reason, retryAfterMs: retryAfterMs(headers, now) ?? untilReset }
}

export function classifyGithub(answer: Answer, target: GithubTarget, now: number): Verdict {
  const { status, body } = answer
  const wait = askedToWait(answer, now)
  if (wait) return wait
  const verdict = verdictOf('GitHub', answer, now)
  if (verdict.outcome === 'delivered' && status !== 204) {
    const reason = `GitHub answered ${status}, not 204. Check that ${target.apiUrl} is the address of its API`
    return { outcome: 'retry', reason, retryAfterMs: null }
  }
  if (verdict.outcome !== 'failed') return verdict
  const fix = fixOf(status, target)
  const said = cut(visible(oneLine(body)), 200)
  const detail = said !== '' && (fix === null || status === 422) ? `: ${said}` : ''
  return {
    outcome: 'failed',
    reason: `${fix === null ? verdict.reason : `GitHub answered ${status}: ${fix}`}${detail}`,
  }
}

export async function sendGithub(
  target: GithubTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  // Loaded at the first dispatch: 35 ms, which a start without GitHub need not wait for.
  const { Octokit } = await import('octokit')
  const [owner = '', repo = ''] = target.repo.split('/')
  const seen = await exchange(context, [target.token, encodeURIComponent(target.token)], (fetch) => {
    const octokit = new Octokit({
      auth: target.token,
      baseUrl: target.apiUrl.replace(/\/+$/, ''),
      request: { fetch },
      // Retries and rate limits belong to the stored delivery.
      retry: { enabled: false },
      throttle: { enabled: false },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
    return octokit.rest.repos.createDispatchEvent({ owner, repo, ...githubDispatch(target, message) })
  })
  return outcomeOf('GitHub', seen, (answer) => classifyGithub(answer, target, context.now()))
}
