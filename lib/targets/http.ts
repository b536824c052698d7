import { codeOf, networkReason } from '../base/network-reason.ts'
import { retryAfterMs } from '../base/retry.ts'
import type { Outcome, SendContext } from '../core/delivery/delivery.ts'
import { aheadMs, type Reach, troubled } from '../core/setup/reach.ts'

/**
 * The answer: all headers (Slack's client keeps none), and the first few KB of the body. `unread`: the code of the
 * error if the body broke off, did not end in time or could not be decoded. The status still counts.
 */
export interface Answer {
  status: number
  headers: Headers
  body: string
  unread?: string
}

export type Exchange = { request: string; host: string } & ({ answer: Answer } | { error: unknown })

/** Enough for any vendor's error text. */
const maxAnswerBytes = 4096

async function headOf(
  stream: ReadableStream<Uint8Array> | null,
  max: number,
): Promise<Pick<Answer, 'body' | 'unread'>> {
  const parts: Uint8Array[] = []
  const text = () => new TextDecoder().decode(Buffer.concat(parts).subarray(0, max))
  let size = 0
  try {
    for await (const part of stream ?? []) {
      parts.push(part)
      size += part.byteLength
      // Leaving the loop cancels the rest.
      if (size >= max) break
    }
  } catch (error) {
    return { body: text(), unread: codeOf(error) ?? 'unknown error' }
  }
  return { body: text() }
}

const shortestSecret = 6

/** The secrets of a webhook whose URL is its password: the whole URL, and each long segment. */
export function secretsOfUrl(url: string): string[] {
  const { pathname, search, searchParams } = new URL(url)
  const segments = pathname.split('/')
  const long = segments.filter((segment, i) => segment.length >= 12 || i === segments.length - 1)
  return [url, pathname + search, pathname, ...long, ...searchParams.values()]
}

/** Removes the secrets that a vendor echoed, even if the text was cut in the middle of one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const longestFirst = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .toSorted((a, b) => b.length - a.length)
  const scrubbed = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
  return longestFirst.reduce(withoutStartOf, scrubbed)
}

function withoutStartOf(text: string, secret: string): string {
  for (let length = secret.length - 1; length >= shortestSecret; length--) {
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}[secret]`
  }
  return text
}

/**
 * Lets a client library make one request, by a `fetch` that follows no redirect, ends at the context's signal, and notes
 * what was sent and what came back (`max` bytes of it), without `secrets`. The library gets a response whose body has been
 * read, and what it makes of that does not matter. Throws only what the library threw before it requested anything: a bug.
 * docs/decisions/0012-glue-around-libraries.md
 */
export async function exchange(
  context: SendContext,
  secrets: readonly string[],
  call: (fetch: typeof globalThis.fetch) => Promise<unknown>,
  max = maxAnswerBytes,
): Promise<Exchange> {
  let seen: Exchange | null = null
  const noting: typeof globalThis.fetch = async (input, init) => {
    const host = hostOf(input)
    const request = typeof init?.body === 'string' ? withoutSecrets(init.body, secrets) : ''
    let response: Response
    let answer: Answer
    try {
      response = await context.fetch(input, { ...init, redirect: 'manual', signal: context.signal })
      const { status, headers } = response
      const head = await headOf(response.body, max)
      answer = { status, headers, ...head, body: withoutSecrets(head.body, secrets) }
    } catch (error) {
      seen = { request, host, error }
      throw error
    }
    seen = { request, host, answer }
    return response
  }
  try {
    await call(noting)
  } catch (error) {
    if (seen === null) throw error
  }
  if (seen === null) throw new Error('The client library made no request')
  return seen
}

function hostOf(input: string | URL | Request): string {
  const url = input instanceof Request ? input.url : String(input)
  return URL.canParse(url) ? new URL(url).host : ''
}

/** What an answer means. */
export type Verdict =
  | { outcome: 'delivered'; note?: string }
  | { outcome: 'retry' | 'wait'; reason: string; retryAfterMs: number | null }
  | { outcome: 'failed'; reason: string }

/** Other statuses between 300 and 400 name no other address. */
const redirects = [301, 302, 303, 307, 308]

/** What a status means unless the target's own rules say otherwise. */
export function verdictOf(who: string, { status, headers, unread }: Answer, now: number): Verdict {
  const after = retryAfterMs(headers, now)
  if (status >= 200 && status < 300)
    return unread === undefined
      ? { outcome: 'delivered' }
      : {
          outcome: 'delivered',
          note: `${who} answered ${status}; the rest of its answer could not be read (${unread})`,
        }
  if (status === 429) {
    return {
      outcome: 'wait',
      reason: `${who} answered 429: its rate limit is reached`,
      retryAfterMs: after,
    }
  }
  if (status >= 500 || status === 408 || status === 425) {
    return { outcome: 'retry', reason: `${who} answered ${status}`, retryAfterMs: after }
  }
  if (redirects.includes(status)) {
    return {
      outcome: 'failed',
      reason: `${who} answered ${status}, a redirect, which is not followed. Set the final URL`,
    }
  }
  return { outcome: 'failed', reason: `${who} answered ${status}` }
}

/** A reason with what the vendor said, if it said anything. */
export const withQuote = (reason: string, words: string): string =>
  words === '' ? reason : `${reason}: "${words}"`

/** An exchange and its verdict, as stored with the delivery. */
export function outcomeOf(who: string, seen: Exchange, judge: (answer: Answer) => Verdict): Outcome {
  const { request } = seen
  if ('error' in seen) {
    const reason = networkReason(who, seen.error, seen.host)
    return { outcome: 'retry', reason, retryAfterMs: null, statusCode: null, request, response: null }
  }
  const { status, body } = seen.answer
  const kept = { statusCode: status, request, response: body }
  const verdict = judge(seen.answer)
  if (verdict.outcome === 'delivered')
    return { ...kept, outcome: 'delivered', reason: verdict.note ?? null, retryAfterMs: null }
  if (verdict.outcome === 'failed') return { ...kept, ...verdict, retryAfterMs: null }
  return { ...kept, ...verdict }
}

/** A repository as GitHub shows it has about 7 KB. */
const maxShown = 65_536

interface Get {
  url: string
  headers?: Record<string, string>
  secrets: readonly string[]
  /** What an answer other than a 5xx says. */
  judge: (answer: Answer) => Reach
}

/** Checks by a GET, which neither posts nor changes anything, whether a service can be reached. */
export async function reachByGet(who: string, context: SendContext, get: Get): Promise<Reach> {
  const { url, headers = {}, secrets, judge } = get
  const seen = await exchange(context, secrets, (fetch) => fetch(url, { headers }), maxShown)
  if ('error' in seen) return troubled(networkReason(who, seen.error, seen.host))
  const { status, headers: answered } = seen.answer
  const found = status >= 500 ? troubled(`${who} answered ${status}`) : judge(seen.answer)
  return { ...found, aheadMs: aheadMs(answered.get('date'), context.now()) }
}
