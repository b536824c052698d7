import { isIP } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { codeOf } from '../../base/network-reason.ts'
import { isPublicIp } from '../../base/public-address.ts'
import { visibleLines } from '../../base/visible.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { WebhookTarget } from '../../core/rules/rules.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from '../http.ts'
import { cut, oneLine } from '../text.ts'
import { webhookBodyOf } from './body.ts'
import { privateAddress, publicFetch } from './public-fetch.ts'

const fixes = new Map([
  [401, 'it did not take the signature. Compare the secret on both sides'],
  [403, 'it did not take the signature. Compare the secret on both sides'],
  [404, 'there is nothing at this address. Check the URL'],
  [410, 'it is gone, and wants no more. Take the target out, or set another URL'],
])

export function classifyWebhook(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('The webhook', answer, now)
  if (verdict.outcome !== 'failed' || answer.status < 400) return verdict
  const fix = fixes.get(answer.status)
  const said = cut(visibleLines(oneLine(answer.body)), 200)
  const reason = fix === undefined ? verdict.reason : `${verdict.reason}: ${fix}`
  return { outcome: 'failed', reason: said === '' ? reason : `${reason}: "${said}"` }
}

const allow = 'Allow it with allowPrivate (WEBHOOK_ALLOW_PRIVATE=1), or set another URL'

export const privateRefusal = (host: string): string =>
  `The webhook (${host}) is at a private address. ${allow}`

/** Why nothing is sent to this URL, as far as it can be told without asking DNS. */
export function urlRefusal({ url, allowPrivate }: WebhookTarget): string | null {
  if (!URL.canParse(url)) return 'The webhook has no valid URL. Correct it'
  const { protocol, hostname, host } = new URL(url)
  if (allowPrivate) return null
  if (protocol !== 'https:') return `The webhook (${host}) is not https. ${allow}`
  const ip = hostname.replace(/^\[|\]$/g, '')
  return isIP(ip) !== 0 && !isPublicIp(ip) ? privateRefusal(host) : null
}

const shortestSegment = 12

/** The secrets themselves, what the URL holds that looks like one, and the headers that are sent along. */
function secretsOf({ url, headers }: WebhookTarget, secrets: readonly string[]): string[] {
  const { pathname, searchParams, password, username } = new URL(url)
  const segments = pathname.split('/').filter((segment) => segment.length >= shortestSegment)
  const keys = secrets.map((secret) => secret.replace(/^whsec_/, ''))
  return [
    ...secrets,
    ...keys,
    ...segments,
    ...searchParams.values(),
    username,
    password,
    ...Object.values(headers ?? {}),
  ]
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function signedHeaders(
  target: WebhookTarget,
  { id, secrets, body, now }: { id: string; secrets: readonly string[]; body: string; now: number },
): Headers {
  const headers = new Headers(target.headers)
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(now), body))
  headers.set('content-type', 'application/json')
  headers.set('user-agent', 'Prompt Relay')
  headers.set('webhook-id', id)
  headers.set('webhook-timestamp', String(Math.floor(now / 1000)))
  headers.set('webhook-signature', signatures.join(' '))
  return headers
}

let guarded: typeof globalThis.fetch | null = null

/** One for the process: it keeps connections. */
function guardedFetch(): typeof globalThis.fetch {
  guarded ??= publicFetch()
  return guarded
}

export async function sendWebhook(
  target: WebhookTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  const body = JSON.stringify(webhookBodyOf(message))
  const refused = urlRefusal(target)
  if (refused !== null) return refusedOutcome(refused)
  const secrets = typeof target.secrets === 'string' ? [target.secrets] : target.secrets
  const headers = signedHeaders(target, { id: message.deliveryId, secrets, body, now: context.now() })
  const way = { ...context, fetch: target.allowPrivate ? context.fetch : guardedFetch() }
  const seen = await exchange(way, secretsOf(target, secrets), (fetch) =>
    fetch(target.url, { method: 'POST', headers, body }),
  )
  if ('error' in seen && codeOf(seen.error) === privateAddress)
    return refusedOutcome(privateRefusal(seen.host), seen.request)
  return outcomeOf('The webhook', seen, (answer) => classifyWebhook(answer, context.now()))
}

const refusedOutcome = (reason: string, request = ''): Outcome => ({
  outcome: 'failed',
  reason,
  statusCode: null,
  request,
  response: null,
  retryAfterMs: null,
})
