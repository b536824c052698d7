import { createHash } from 'node:crypto'
import type { Fact } from '../change.ts'
import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { GithubTarget } from '../rules.ts'
import { type Answer, exchange, outcomeOf, retryAfterMs, type Verdict, verdictOf } from './http.ts'
import { cut, visible } from './text.ts'

/** GitHub refuses a dispatch whose body has 64 KB or more. */
const mostBody = 65_535
/** https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event */
export interface Dispatch {
  event_type: string
  /** At most GitHub's 10 top-level properties. */
  client_payload: Record<string, unknown>
}

const actionOf = (fact: Fact): string => {
  if (fact.kind === 'version-created') return 'created'
  if (fact.kind === 'deleted') return 'deleted'
  return 'updated'
}

/** Of the text as UTF-8; of a chat prompt, of its JSON. */
const sha256Of = (text: unknown): string =>
  createHash('sha256')
    .update(typeof text === 'string' ? text : JSON.stringify(text))
    .digest('hex')

function labelOf(fact: Fact): string | null {
  if ('label' in fact) return fact.label
  return 'labels' in fact && fact.labels.length === 1 ? (fact.labels[0] ?? null) : null
}

function changeOf({ change, fact, links }: Message): Record<string, unknown> {
  return {
    id: change.id,
    kind: change.kind,
    title: cut(change.title, 1000),
    url: links.page,
    label: labelOf(fact),
    from: 'from' in fact ? fact.from : null,
    to: 'to' in fact ? fact.to : null,
  }
}

const bytesOf = (dispatch: Dispatch): number => Buffer.byteLength(JSON.stringify(dispatch))

/**
 * The dispatch of one change. The prompt's text is in it as a whole where the body stays below 64 KB, else not at all
 * (`promptOmitted`: `size`, or `unknown` where no event told it): half a prompt is worse than none.
 */
export function githubDispatch(target: GithubTarget, message: Message): Dispatch {
  const { change, text } = message
  const { prompt } = change.detail
  const payload = {
    promptName: change.subject,
    version: change.version,
    action: actionOf(message.fact),
    labels: prompt?.labels ?? [],
    projectId: change.projectId,
    eventId: prompt?.eventId ?? null,
    change: changeOf(message),
    sha256: text === undefined ? null : sha256Of(text),
  }
  const dispatch = (over: object): Dispatch => ({
    event_type: target.eventType,
    client_payload: { ...payload, ...over },
  })
  if (text === undefined) return dispatch({ promptOmitted: 'unknown' })
  const whole = dispatch({ prompt: text })
  if (bytesOf(whole) <= mostBody) return whole
  const without = dispatch({ promptOmitted: 'size' })
  if (bytesOf(without) <= mostBody) return without
  const { labels } = payload
  const fewer = labels.filter((label) => label.length <= 100).slice(0, 100)
  const name = cut(payload.promptName, 2000)
  return dispatch({
    promptOmitted: 'size',
    promptName: name,
    labels: fewer,
    labelsOmitted: labels.length - fewer.length,
  })
}

/** What a permanent answer means, and what mends it. */
function fixOf(status: number, { repo }: GithubTarget): string | null {
  switch (status) {
    case 401:
      return 'the token is wrong, expired or revoked. Make a new one and set GITHUB_TOKEN'
    case 403:
      return `the token may not write to ${repo}. Give it "Contents: read and write" for this repository`
    case 404:
      return `the token cannot see ${repo}, or it does not exist`
    case 422:
      return 'it did not take the payload'
    default:
      return null
  }
}

/** GitHub says "wait" with 429, or with 403 and `Retry-After` or a spent rate limit. Null: it did not. */
function askedToWait({ status, headers }: Answer, now: number): Verdict | null {
  const isSpent = headers.get('x-ratelimit-remaining') === '0'
  if (status !== 429 && !(status === 403 && (isSpent || headers.has('retry-after')))) return null
  // Epoch seconds.
  const reset = Number(headers.get('x-ratelimit-reset'))
  const untilReset = isSpent && reset > 0 ? Math.max(0, reset * 1000 - now) : null
  const reason = `GitHub asks for time: its rate limit is reached (${status})`
  return { outcome: 'wait', reason, retryAfterMs: retryAfterMs(headers, now) ?? untilReset }
}

export function classifyGithub(answer: Answer, target: GithubTarget, now: number): Verdict {
  const wait = askedToWait(answer, now)
  if (wait) return wait
  const verdict = verdictOf('GitHub', answer, now)
  const fix = fixOf(answer.status, target)
  if (verdict.outcome !== 'failed' || fix === null) return verdict
  const detail = answer.status === 422 ? ` (${cut(visible(answer.body), 200)})` : ''
  return { outcome: 'failed', reason: `GitHub answered ${answer.status}: ${fix}${detail}.` }
}

export async function sendGithub(
  target: GithubTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  // Loaded at the first dispatch: it takes longer to load than the rest of the relay.
  const { Octokit } = await import('octokit')
  const [owner = '', repo = ''] = target.repo.split('/')
  const seen = await exchange(context, (fetch) => {
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
