import { once } from 'node:events'
import { connect as connectTcp, isIP, type LookupFunction } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Webhook } from 'standardwebhooks'
import { codeOf, networkReason } from '../../base/network-reason.ts'
import { proxyFor } from '../../base/proxy-env.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import { privateFlaw, privateUrlFlaw, type TargetOf } from '../../core/rules/target-settings.ts'
import { type Reach, reachable, troubled } from '../../core/setup/reach.ts'
import type { TargetKind } from '../contract.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf, withQuote } from '../http.ts'
import { quotable } from '../text.ts'
import { webhookBodyOf } from './body.ts'
import { privateAddress, publicFetch, publicLookup } from './public-fetch.ts'

const rejected = 'it rejected the signature. Make sure that both sides have the same secret'

const fixes = new Map([
  [401, rejected],
  [403, rejected],
  [404, 'there is nothing at this address. Check the URL'],
  [410, 'the receiver is gone for good. Remove the target, or set another URL'],
])

export function classifyWebhook(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('The webhook', answer, now)
  if (verdict.outcome !== 'failed' || answer.status < 400) return verdict
  const fix = fixes.get(answer.status)
  const reason = fix === undefined ? verdict.reason : `${verdict.reason}: ${fix}`
  return { outcome: 'failed', reason: withQuote(reason, quotable(answer.body)) }
}

const privateRefusal = (host: string): string => `The webhook (${host}) ${privateFlaw}`

/**
 * Why nothing is sent to this URL, as far as it can be known without DNS. Checked at start, and here again: an
 * address in the URL itself is never looked up, so `publicFetch` does not see it.
 */
function urlRefusal(target: TargetOf<'webhook'>): string | null {
  if (!URL.canParse(target.url)) return 'The webhook has no valid URL. Correct it'
  const flaw = privateUrlFlaw(target)
  return flaw === null ? null : `The webhook (${new URL(target.url).host}) ${flaw}`
}

const shortestSegment = 12

/** The secrets themselves, every part of the URL that looks like one, and the headers that are sent along. */
function secretsOf({ url, headers, secrets }: TargetOf<'webhook'>): string[] {
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
  target: TargetOf<'webhook'>,
  { id, body, now }: { id: string; body: string; now: number },
): Headers {
  const headers = new Headers(target.headers)
  const signatures = target.secrets.map((secret) => new Webhook(secret).sign(id, new Date(now), body))
  headers.set('content-type', 'application/json')
  headers.set('user-agent', 'Prompt Relay')
  headers.set('webhook-id', id)
  headers.set('webhook-timestamp', String(Math.floor(now / 1000)))
  headers.set('webhook-signature', signatures.join(' '))
  return headers
}

let guarded: typeof globalThis.fetch | null = null

/** One for the process, because it keeps connections open. */
function guardedFetch(): typeof globalThis.fetch {
  guarded ??= publicFetch()
  return guarded
}

async function send(target: TargetOf<'webhook'>, message: Message, context: SendContext): Promise<Outcome> {
  const body = JSON.stringify(webhookBodyOf(message))
  const refusal = urlRefusal(target)
  if (refusal !== null) return refused(refusal)
  const headers = signedHeaders(target, { id: message.deliveryId, body, now: context.now() })
  const fetch = target.allowPrivate || context.isDry ? context.fetch : guardedFetch()
  const seen = await exchange({ ...context, fetch }, secretsOf(target), (fetch) =>
    fetch(target.url, { method: 'POST', headers, body }),
  )
  if ('error' in seen && codeOf(seen.error) === privateAddress)
    return refused(privateRefusal(seen.host), seen.request)
  return outcomeOf('The webhook', seen, (answer) => classifyWebhook(answer, context.now()))
}

const refused = (reason: string, request = ''): Outcome => ({
  outcome: 'failed',
  reason,
  statusCode: null,
  request,
  response: null,
  retryAfterMs: null,
})

/** Opens a connection to a URL's host and ends it, without a request. Throws as a request would. */
async function connectOnly(url: URL, signal: AbortSignal, lookup?: LookupFunction): Promise<void> {
  const isTls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (isTls ? 443 : 80))
  const where = { host, port, ...(lookup && { lookup }) }
  const servername = isIP(host) === 0 ? host : ''
  const socket = isTls ? connectTls({ ...where, servername }) : connectTcp(where)
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal })
  } catch (error) {
    // `once` throws an AbortError of its own, not the signal's reason.
    throw signal.aborted ? signal.reason : error
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

/** Connects only: what a receiver would do with a request is not known. */
async function reach(target: TargetOf<'webhook'>, { signal }: SendContext): Promise<Reach> {
  const refusal = urlRefusal(target)
  if (refusal !== null) return troubled(refusal)
  const url = new URL(target.url)
  // Only a request could show whether a tunnel leads there.
  if (proxyFor(url, process.env) !== null)
    return reachable(`${url.host} is behind the proxy of the environment, so no connection was tried.`)
  try {
    await connectOnly(url, signal, target.allowPrivate ? undefined : publicLookup())
    return reachable(`${url.host} accepts connections.`)
  } catch (error) {
    if (codeOf(error) === privateAddress) return troubled(privateRefusal(url.host))
    return troubled(networkReason('The webhook', error, url.host))
  }
}

export const webhook = {
  send,
  storm: { way: 'each', perSecond: 10 },
  reach,
  sendsText: false,
  replayNote: 'It has the same webhook-id, so its receiver can recognise it.',
} satisfies TargetKind<'webhook'>
