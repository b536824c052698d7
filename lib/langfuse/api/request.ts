import { jsonOf } from '../../base/json.ts'
import { networkReason } from '../../base/network-reason.ts'
import { readBody } from '../../base/read-body.ts'
import { maxBeyondMs, retryAfterMs } from '../../base/retry.ts'
import { urlUnder } from '../../base/url-path.ts'

export interface LangfuseApi {
  baseUrl: string
  publicKey: string
  secretKey: string
  fetch: typeof globalThis.fetch
  /** Draws from the budget before each request: 0, or how many milliseconds it must wait. Absent: it need not. */
  draw?: () => Promise<number>
}

/**
 * `at`: Langfuse's own time by the answer's `Date` header, epoch milliseconds. `isUnasked`: the budget of requests is spent,
 * and nothing was sent.
 */
export type LangfuseAnswer =
  | { ok: true; json: unknown; at: number | null }
  | { ok: false; status: number | null; retryAfterMs: number | null; message: string; isUnasked?: true }

const timeoutMs = 10_000
/** Langfuse's own cap on an answer is 5 MB. */
const maxBytes = 6 * 1024 * 1024

const refusals = new Map([
  [401, 'Langfuse does not know these API keys (401)'],
  [403, 'These API keys may not read this (403)'],
  [404, 'Langfuse has nothing here (404)'],
  [429, 'The rate limit of Langfuse is reached (429)'],
])

const failed = (
  message: string,
  status: number | null = null,
  retryAfter: number | null = null,
): LangfuseAnswer => ({ ok: false, status, retryAfterMs: retryAfter, message })

/**
 * Asks Langfuse's public API one question: `path` from the base address on (`/api/public/…`), each value of `query`
 * that is set. Follows no redirect, which would carry the keys elsewhere. Throws only what `draw` throws; `message` holds no
 * key.
 */
export async function askLangfuse(
  { baseUrl, publicKey, secretKey, fetch, draw }: LangfuseApi,
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Promise<LangfuseAnswer> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  const url = `${urlUnder(baseUrl, path)}${search.size > 0 ? `?${search}` : ''}`
  const waitMs = (await draw?.()) ?? 0
  if (waitMs > 0) {
    const message = `This minute's requests to Langfuse are spent: the next may go in ${Math.ceil(waitMs / 1000)} s`
    return { ok: false, status: null, retryAfterMs: waitMs, message, isUnasked: true }
  }
  const authorization = `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`
  try {
    // A `..` in it would ask another question than was meant, in the name of these keys.
    if (!new URL(url).pathname.endsWith(path)) return failed('The address of the question cannot be written')
    const response = await fetch(url, {
      headers: { authorization, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    const { status, headers } = response
    const date = Date.parse(headers.get('date') ?? '')
    const at = Number.isNaN(date) ? null : date
    if (!response.ok) {
      await response.body?.cancel()
      // As a date, it is one of Langfuse's clock.
      const after = retryAfterMs(headers, date)
      const message = refusals.get(status) ?? `Langfuse answered ${status}`
      return failed(message, status, after === null ? null : Math.min(after, maxBeyondMs))
    }
    const contentLength = headers.get('content-length')
    const body = await readBody(response.body, { maxBytes, timeoutMs, contentLength })
    if (!body.ok) return failed(`Langfuse's answer was not read: ${body.message}`, status)
    const json = jsonOf(Buffer.from(body.bytes).toString('utf8'))
    return json === undefined
      ? failed('Langfuse answered with something else than JSON', status)
      : { ok: true, json, at }
  } catch (error) {
    return failed(networkReason('Langfuse', error, URL.canParse(url) ? new URL(url).host : ''))
  }
}
