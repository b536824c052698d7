import { withoutEndSlash } from '../../base/url-path.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { GithubTarget } from '../../core/rules/rules.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from '../http.ts'
import { forgetToken, installationToken } from './app.ts'
import { githubDispatch } from './payload.ts'
import { askedToWait } from './wait.ts'
import { githubWords } from './words.ts'

/** What a permanent answer means, and what fixes it. */
function fixOf(status: number, words: string, { repo, token }: GithubTarget): string | null {
  const who = token === undefined ? 'the app' : 'the token'
  switch (status) {
    case 301:
    case 307:
    case 308:
      return `a redirect, which is not followed: ${repo} was renamed or moved. Set its new name`
    case 401:
      return 'the token is wrong, expired or revoked. Make a new one and set it'
    case 403:
      return forbidden.find(({ says }) => says.test(words))?.fix({ who, repo }) ?? null
    case 404:
      return `${who} cannot see ${repo}, or it does not exist`
    case 422:
      return 'it did not take the payload. This is a bug of the relay: please report it'
    default:
      return null
  }
}

/**
 * GitHub refuses with 403 for many reasons, of which only its words tell which. One that is not known here is left to
 * them: the wrong advice costs more than none.
 */
const forbidden: { says: RegExp; fix: (of: { who: string; repo: string }) => string }[] = [
  {
    says: /\bSAML\b|\bSSO\b|single sign-on/i,
    fix: ({ who }) =>
      `${who} is not authorized for the single sign-on of the organization. Authorize it there (for a token: Configure SSO, beside it in GitHub's settings)`,
  },
  {
    says: /archived/i,
    fix: ({ repo }) => `${repo} is archived, and takes no events. Unarchive it, or set another repository`,
  },
  {
    says: /IP allow ?list|IP address/i,
    fix: () => "the organization allows only certain IP addresses. Add this machine's to its list",
  },
  {
    says: /forbids access|personal access tokens? \(classic\)|token's lifetime/i,
    fix: () => 'the organization does not allow such a token. Make one of the kind that it allows',
  },
  {
    says: /suspended|disabled|blocked/i,
    fix: ({ who, repo }) =>
      `the account of ${who}, or ${repo}, is suspended or blocked. Its owner has to ask GitHub`,
  },
  {
    says: /^$|not accessible by|must have|permission|not found/i,
    fix: ({ who, repo }) =>
      `${who} may not write to ${repo}. Give it "Contents: read and write" for this repository`,
  },
]

export function classifyGithub(answer: Answer, target: GithubTarget, now: number): Verdict {
  const { status, body } = answer
  const wait = askedToWait(answer, now)
  if (wait) return wait
  const verdict = verdictOf('GitHub', answer, now)
  if (verdict.outcome === 'delivered' && status !== 204) {
    const reason = `GitHub answered ${status}, not 204. Check that ${target.apiUrl} is the address of its API`
    return { outcome: 'failed', reason }
  }
  if (verdict.outcome !== 'failed') return verdict
  const words = githubWords(body)
  const fix = fixOf(status, words, target)
  const reason = fix === null ? verdict.reason : `GitHub answered ${status}: ${fix}`
  return { outcome: 'failed', reason: words === '' ? reason : `${reason}: "${words}"` }
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
      baseUrl: withoutEndSlash(target.apiUrl),
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
