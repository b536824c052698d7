import type { Outcome, SendContext } from '../delivery.ts'

/** What came back: the first few KB of the body, and all headers (client libraries keep neither). */
export interface Answer {
  status: number
  headers: Headers
  body: string
}

export type Exchange = { request: string; host: string } & ({ answer: Answer } | { error: unknown })

/** Enough for every vendor's error text; a megabyte of answer is not read. */
const mostAnswerBytes = 4096

async function headOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  const parts: Uint8Array[] = []
  let size = 0
  while (size < mostAnswerBytes) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    size += value.byteLength
  }
  reader.cancel().catch(() => undefined)
  return new TextDecoder().decode(Buffer.concat(parts).subarray(0, mostAnswerBytes))
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
 * and notes what was sent and what came back, without `secrets`. What the library makes of the answer does not
 * matter. Throws only what the library threw before it asked anything: a bug.
 */
export async function exchange(
  context: SendContext,
  secrets: readonly string[],
  call: (fetch: typeof globalThis.fetch) => Promise<unknown>,
): Promise<Exchange> {
  let seen: Exchange | null = null
  const noting: typeof globalThis.fetch = async (input, init) => {
    const host = hostOf(input)
    const request = typeof init?.body === 'string' ? withoutSecrets(init.body, secrets) : ''
    let answer: Answer
    try {
      const response = await context.fetch(input, { ...init, redirect: 'manual', signal: context.signal })
      const { status, headers } = response
      answer = { status, headers, body: withoutSecrets(await headOf(response.body), secrets) }
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

/** `Retry-After` in seconds or as a date, in milliseconds from now; null where there is none. */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim()
  if (!value) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  // Only what begins with a weekday: `Date.parse` reads "1.5" and "-5" as dates.
  const date = /^[A-Z][a-z]+, /.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

const networkReasons: [RegExp, string][] = [
  [/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/, 'its name could not be resolved. Check the host name and DNS'],
  [/^ECONNREFUSED$/, 'the connection was refused. Check host and port, and that it is running'],
  [
    /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    'the connection broke before the whole answer came. It may have arrived',
  ],
  [
    /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH)$/,
    'no connection was made. Check the network, and that a firewall lets it through',
  ],
  [
    /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|EPROTO$)/,
    'TLS failed. Check its certificate, and that the port speaks https',
  ],
  [/^HPE_/, 'its answer was not HTTP. Check the port'],
  [/^ERR_INVALID_URL$/, 'its URL is not valid. Correct it'],
]

interface Thrown {
  name?: string
  code?: string
  cause?: unknown
  errors?: unknown[]
}

/** The code of a network error, which `fetch` wraps, and Node's happy eyeballs wrap again. */
function codeOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 5) return null
  const { name, code, cause, errors } = error as Thrown
  if (name === 'TimeoutError' || name === 'AbortError') return name
  if (typeof code === 'string') return code
  return codeOf(cause ?? errors?.[0], depth + 1)
}

/** Why no answer came, as a sentence. Of the address it names the host only: the rest may be a secret. */
export function networkReason(who: string, error: unknown, host: string): string {
  const code = codeOf(error)
  const name = host === '' ? who : `${who} (${host})`
  if (code === 'TimeoutError') return `${name} did not answer in time`
  if (code === 'AbortError') return `${name} had not answered when the relay stopped`
  if (code === null) return `${name} was not asked. Check its URL and token for stray characters`
  const why = networkReasons.find(([pattern]) => pattern.test(code))?.[1] ?? 'the request failed'
  return `${name} was not reached: ${why} (${code})`
}

/** What a status means where the target's own rules say nothing else. */
export type Verdict =
  | { outcome: 'delivered' }
  | { outcome: 'retry' | 'wait'; reason: string; retryAfterMs: number | null }
  | { outcome: 'failed'; reason: string }

export function verdictOf(who: string, { status, headers }: Answer, now: number): Verdict {
  const after = retryAfterMs(headers, now)
  if (status >= 200 && status < 300) return { outcome: 'delivered' }
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
  if (status >= 300 && status < 400) {
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
  if (verdict.outcome === 'delivered') return { ...kept, ...verdict, reason: null, retryAfterMs: null }
  if (verdict.outcome === 'failed') return { ...kept, ...verdict, retryAfterMs: null }
  return { ...kept, ...verdict }
}
