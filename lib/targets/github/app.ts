import githubAppJwt from 'universal-github-app-jwt'
import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { urlUnder } from '../../base/url-path.ts'
import type { Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { GithubApp } from '../../core/rules/target-settings.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf, withQuote } from '../http.ts'
import { githubWords, rateLimitOf } from './answer.ts'

/** A token lives for an hour; one that expires within this time is not used any more. */
const spareMs = 60_000
/** The answer may list what the installation may do, which is longer than an answer that is only shown. */
const maxAnswer = 65_536

const granted = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) })

interface Token {
  token: string
  /** Epoch milliseconds. */
  expiresAt: number
}

/** By app, as long as its configuration lives. `requests`: one under way, for all that send meanwhile. */
const tokens = new WeakMap<GithubApp, Token>()
const requests = new WeakMap<GithubApp, Promise<Token | Outcome>>()

/** A token that GitHub refused is not used again. */
export function forgetToken(app: GithubApp, token: string): void {
  if (tokens.get(app)?.token === token) tokens.delete(app)
}

/** https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app */
export function classifyToken(answer: Answer, { installationId }: GithubApp, now: number): Verdict {
  const verdict = rateLimitOf(answer, now) ?? verdictOf('GitHub', answer, now)
  if (verdict.outcome !== 'failed') return verdict
  const fix = new Map([
    [401, "the app's id or private key is wrong, or the clock of this machine is off"],
    [403, 'the installation of the app is suspended, or may not be used'],
    [
      404,
      `the app has no installation ${installationId}. Set the number at the end of the installation's address`,
    ],
  ]).get(answer.status)
  const reason =
    fix === undefined
      ? `${verdict.reason} to the app's request for a token`
      : `GitHub answered ${answer.status}: ${fix}`
  return { outcome: 'failed', reason: withQuote(reason, githubWords(answer.body)) }
}

const ended = (outcome: 'failed' | 'retry', reason: string, statusCode: number | null): Outcome => ({
  outcome,
  reason,
  statusCode,
  request: '',
  response: null,
  retryAfterMs: null,
})

async function requestToken(apiUrl: string, app: GithubApp, context: SendContext): Promise<Token | Outcome> {
  const { id, privateKey, installationId } = app
  const now = Math.floor(context.now() / 1000)
  const jwt = await githubAppJwt({ id, privateKey, now }).catch(() => null)
  if (jwt === null)
    return ended(
      'failed',
      "The app's private key is not an RSA key in PEM. Set GITHUB_APP_PRIVATE_KEY again",
      null,
    )
  const url = urlUnder(apiUrl, `/app/installations/${installationId}/access_tokens`)
  const headers = { accept: 'application/vnd.github+json', authorization: `Bearer ${jwt.token}` }
  const call = (fetch: typeof globalThis.fetch) => fetch(url, { method: 'POST', headers })
  const seen = await exchange(context, [jwt.token], call, maxAnswer)
  const outcome = outcomeOf('GitHub', seen, (answer) => classifyToken(answer, app, context.now()))
  if (outcome.outcome !== 'delivered') return outcome
  const parsed = granted.safeParse('answer' in seen ? jsonOf(seen.answer.body) : null)
  // The answer may hold the token, so it is not kept.
  if (!parsed.success)
    return ended(
      'retry',
      'GitHub answered without a token for the app. Check GITHUB_API_URL',
      outcome.statusCode,
    )
  return { token: parsed.data.token, expiresAt: Date.parse(parsed.data.expires_at) }
}

/** The app's token for its installation, or the outcome of the try where there is none. `isNew`: GitHub just made it. */
export async function installationToken(
  apiUrl: string,
  app: GithubApp,
  context: SendContext,
): Promise<{ token: string; isNew: boolean } | Outcome> {
  const known = tokens.get(app)
  if (known && known.expiresAt - spareMs > context.now()) return { token: known.token, isNew: false }
  const request = requests.get(app) ?? requestToken(apiUrl, app, context).finally(() => requests.delete(app))
  requests.set(app, request)
  const got = await request
  if ('outcome' in got) return got
  tokens.set(app, got)
  return { token: got.token, isNew: true }
}
