import { codeOf, networkReason } from '../base/network-reason.ts'
import { retryAfterMs } from '../base/retry.ts'
import type { Outcome, SendContext } from '../core/delivery/delivery.ts'

/**
 * What came back: the first few KB of the body, and all headers (client libraries keep neither). `unread`: the body
 * broke off, did not end in time or could not be decoded; the code of the error. The status counts all the same.
 */
export interface Answer {
  status: number
  headers: Headers
  body: string
  unread?: string
}

export type Exchange = { request: string; host: string } & ({ answer: Answer } | { error: unknown })

/** Enough for every vendor's error text; a megabyte of answer is not read. */
const maxAnswerBytes = 4096

async function headOf(
  body: ReadableStream<Uint8Array> | null,
  max: number,
): Promise<Pick<Answer, 'body' | 'unread'>> {
  if (!body) return { body: '' }
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  const text = () => new TextDecoder().decode(Buffer.concat(parts).subarray(0, max))
  let size = 0
  try {
    while (size < max) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
      size += value.byteLength
    }
  } catch (error) {
    return { body: text(), unread: codeOf(error) ?? 'unknown error' }
  }
  reader.cancel().catch(() => undefined)
  return { body: text() }
}

const shortestSecret = 6

/** Without the secrets, wherever a vendor echoed one, also where the text was cut within one. */
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
 * Lets a client library make one request with a `fetch` that never follows a redirect, ends at the context's signal
 * and notes what was sent and what came back (`most` bytes of it), without `secrets`. What the library makes of the answer does not
 * matter. Throws only what the library threw before it asked anything: a bug.
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
    let answer: Answer
    try {
      const response = await context.fetch(input, { ...init, redirect: 'manual', signal: context.signal })
      const { status, headers } = response
      const head = await headOf(response.body, max)
      answer = { status, headers, ...head, body: withoutSecrets(head.body, secrets) }
    } catch (error) {
      seen = { request, host, error }
      throw error
    }
    seen = { request, host, answer }
    return forLibrary(answer)
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

/** Throws for a status that `Response` does not know (999, say), which ends the library's part as well as any other. */
function forLibrary({ status, body }: Answer): Response {
  const isEmpty = status === 204 || status === 205 || status === 304
  return new Response(isEmpty ? null : body, { status, headers: { 'content-type': 'text/plain' } })
}

/** What a status means where the target's own rules say nothing else. */
export type Verdict =
  | { outcome: 'delivered'; note?: string }
  | { outcome: 'retry' | 'wait'; reason: string; retryAfterMs: number | null }
  | { outcome: 'failed'; reason: string }

/** The others below 400 lead nowhere: 304, say, answers a question that was not asked. */
const redirects = [301, 302, 303, 307, 308]

export function verdictOf(who: string, { status, headers, unread }: Answer, now: number): Verdict {
  const after = retryAfterMs(headers, now)
  if (status >= 200 && status < 300)
    return unread === undefined
      ? { outcome: 'delivered' }
      : {
          outcome: 'delivered',
          note: `${who} answered ${status}; the rest of its answer was not read (${unread})`,
        }
  if (status === 429) {
    return {
      outcome: 'wait',
      reason: `${who} asks for time: its rate limit is reached (429)`,
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

/** An exchange and its verdict, as a delivery keeps them. */
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
