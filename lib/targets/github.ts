import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { GithubTarget } from '../rules.ts'
import { visibleLines } from '../visible.ts'
import { forgetToken, installationToken } from './github-app.ts'
import { githubDispatch } from './github-payload.ts'
import { askedToWait } from './github-wait.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from './http.ts'
import { cut, oneLine } from './text.ts'

/** What a permanent answer means, and what mends it. */
function fixOf(status: number, { repo, token }: GithubTarget): string | null {
  const who = token === undefined ? 'the app' : 'the token'
  switch (status) {
    case 301:
    case 307:
    case 308:
      return `a redirect, which is not followed: ${repo} was renamed or moved. Set its new name`
    case 401:
      return 'the token is wrong, expired or revoked. Make a new one and set it'
    case 403:
      return `${who} may not write to ${repo}. Give it "Contents: read and write" for this repository`
    case 404:
      return `${who} cannot see ${repo}, or it does not exist`
    case 422:
      return 'it did not take the payload. This is a bug of the relay: please report it'
    default:
      return null
  }
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
  const said = cut(visibleLines(oneLine(body)), 200)
  const detail = said !== '' && (fix === null || status === 422) ? `: ${said}` : ''
  return {
    outcome: 'failed',
    reason: `${fix === null ? verdict.reason : `GitHub answered ${status}: ${fix}`}${detail}`,
  }
}

async function dispatch(
  target: GithubTarget,
  message: Message,
  context: SendContext,
  /** `refused`: another one that may be echoed. */
  { token, refused = '' }: { token: string; refused?: string },
): Promise<Outcome> {
  // Loaded at the first dispatch: 35 ms, which a start without GitHub need not wait for.
  const { Octokit } = await import('octokit')
  const [owner = '', repo = ''] = target.repo.split('/')
  const key = target.app?.privateKey ?? ''
  // In a body, line breaks are escaped.
  const secrets = [token, encodeURIComponent(token), refused, key, JSON.stringify(key).slice(1, -1)]
  const seen = await exchange(context, secrets, (fetch) => {
    const octokit = new Octokit({
      auth: token,
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

export async function sendGithub(
  target: GithubTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  const { token, app } = target
  if (token !== undefined || app === undefined)
    return dispatch(target, message, context, { token: token ?? '' })
  const first = await installationToken(target.apiUrl, app, context)
  if ('outcome' in first) return first
  const outcome = await dispatch(target, message, context, first)
  if (outcome.statusCode !== 401 || first.isNew) return outcome
  // Revoked before its time.
  forgetToken(app, first.token)
  const second = await installationToken(target.apiUrl, app, context)
  if ('outcome' in second) return second
  return dispatch(target, message, context, { token: second.token, refused: first.token })
}
