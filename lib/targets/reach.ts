import { z } from 'zod'
import { jsonOf } from '../base/json.ts'
import { codeOf, networkReason } from '../base/network-reason.ts'
import { proxyFor } from '../base/proxy-env.ts'
import { urlUnder } from '../base/url-path.ts'
import type { SendContext } from '../core/delivery/delivery.ts'
import type {
  GithubTarget,
  PagerdutyTarget,
  SlackTarget,
  Target,
  WebhookTarget,
} from '../core/rules/rules.ts'
import { aheadMs, type Reach, troubled } from '../core/setup/reach.ts'
import { installationToken } from './github/app.ts'
import { classifyGithub } from './github/github.ts'
import { type Answer, exchange } from './http.ts'
import { pagerdutyUrl } from './pagerduty/pagerduty.ts'
import { classifySlack, secretsOf } from './slack/slack.ts'
import { connectOnly } from './webhook/connect.ts'
import { privateAddress, publicLookup } from './webhook/public-fetch.ts'
import { privateRefusal, urlRefusal } from './webhook/webhook.ts'

/** A repository as GitHub shows it is about 7 KB. */
const maxAnswer = 65_536

/** Gets a URL, and what came back, or why nothing did. */
async function get(
  who: string,
  url: string,
  context: SendContext,
  { secrets, headers = {} }: { secrets: readonly string[]; headers?: Record<string, string> },
): Promise<{ answer: Answer; ahead: number | null } | Reach> {
  const seen = await exchange(context, secrets, (fetch) => fetch(url, { headers }), maxAnswer)
  if ('error' in seen) return troubled(networkReason(who, seen.error, seen.host))
  const ahead = aheadMs(seen.answer.headers.get('date'), context.now())
  if (seen.answer.status >= 500) return troubled(`${who} answered ${seen.answer.status}`, ahead)
  return { answer: seen.answer, ahead }
}

const fine = (words: string, ahead: number | null): Reach => ({ words, fix: null, aheadMs: ahead })

/** A GET posts nothing; Slack refuses it, and says with 403, 404 or 410 that the webhook is gone. */
async function reachSlack(target: SlackTarget, context: SendContext): Promise<Reach> {
  const got = await get('Slack', target.url, context, { secrets: secretsOf(target) })
  if (!('answer' in got)) return got
  const verdict = classifySlack(got.answer, context.now())
  if ([403, 404, 410].includes(got.answer.status) && 'reason' in verdict)
    return troubled(verdict.reason, got.ahead)
  return fine('Slack was reached.', got.ahead)
}

const repository = z.object({ permissions: z.object({ push: z.boolean() }).optional() })

function mayPush(body: string): boolean | undefined {
  return repository.safeParse(jsonOf(body)).data?.permissions?.push
}

/** https://docs.github.com/rest/repos/repos#get-a-repository */
async function reachGithub(target: GithubTarget, context: SendContext): Promise<Reach> {
  const { apiUrl, app, repo } = target
  const own = target.token ?? (app ? await installationToken(apiUrl, app, context) : '')
  if (typeof own === 'object' && 'outcome' in own) return troubled(own.reason ?? 'GitHub gave no token')
  const token = typeof own === 'object' ? own.token : own
  const headers = { accept: 'application/vnd.github+json', authorization: `token ${token}` }
  const url = urlUnder(apiUrl, `/repos/${repo}`)
  const got = await get('GitHub', url, context, { secrets: [token], headers })
  if (!('answer' in got)) return got
  const { answer, ahead } = got
  if (answer.status !== 200) {
    const verdict = classifyGithub(answer, target, context.now())
    return troubled('reason' in verdict ? verdict.reason : `GitHub answered ${answer.status}`, ahead)
  }
  // An app's repositories come without its own permissions.
  if (app === undefined && mayPush(answer.body) === false)
    return troubled(
      `GitHub shows ${repo}, but this token may not write to it: give it "Contents: read and write"`,
      ahead,
    )
  return fine(`GitHub shows ${repo}.`, ahead)
}

/** A GET is refused (405) and makes no event. Where there is nothing (404), a POST would find nothing either. */
async function reachPagerduty(target: PagerdutyTarget, context: SendContext): Promise<Reach> {
  const got = await get('PagerDuty', pagerdutyUrl(target, '/v2/enqueue'), context, {
    secrets: [target.routingKey],
  })
  if (!('answer' in got)) return got
  if (got.answer.status === 404)
    return troubled(
      'PagerDuty answered 404: its Events API is not at this address. Check PAGERDUTY_EVENTS_URL',
      got.ahead,
    )
  return fine('PagerDuty was reached. Its key was not tried.', got.ahead)
}

/** A connection only: what a receiver would do with a request is not known. */
async function reachWebhook(target: WebhookTarget, { signal }: SendContext): Promise<Reach> {
  const refused = urlRefusal(target)
  if (refused !== null) return troubled(refused)
  const url = new URL(target.url)
  // Whether a tunnel leads there, only a request could tell.
  if (proxyFor(url, process.env) !== null)
    return fine(`${url.host} is reached through the proxy of the environment, and was not asked.`, null)
  try {
    await connectOnly(url, signal, target.allowPrivate ? undefined : publicLookup())
    return fine(`A connection to ${url.host} was made.`, null)
  } catch (error) {
    if (codeOf(error) === privateAddress) return troubled(privateRefusal(url.host))
    return troubled(networkReason('The webhook', error, url.host))
  }
}

/** Asks a target whether it is there, without sending anything that it would show or act on. */
export function reachTarget(target: Target, context: SendContext): Promise<Reach> {
  switch (target.type) {
    case 'slack':
      return reachSlack(target, context)
    case 'github':
      return reachGithub(target, context)
    case 'pagerduty':
      return reachPagerduty(target, context)
    case 'webhook':
      return reachWebhook(target, context)
  }
}
