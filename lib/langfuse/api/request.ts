import { jsonOf } from '../../base/json.ts'
import { networkReason } from '../../base/network-reason.ts'
import { readBody } from '../../base/read-body.ts'
import { maxBeyondMs, retryAfterMs } from '../../base/retry.ts'
import { urlUnder } from '../../base/url-path.ts'
import type { RateBucket } from '../../core/polling/request-budget.ts'

export interface LangfuseApi {
  baseUrl: string
  publicKey: string
  secretKey: string
  fetch: typeof globalThis.fetch
  /** Takes a request from the budget of a bucket: 0, or the milliseconds to wait. Absent: there is no budget. */
  draw?: (bucket: RateBucket) => Promise<number>
}

/** `status` null: there was no answer. */
export interface LangfuseFailure {
  ok: false
  status: number | null
  retryAfterMs: number | null
  message: string
  /** Nothing was sent, because the budget of requests is spent. */
  isOverBudget?: true
  /** There was an answer of more bytes than are read. */
  isTooLarge?: true
}

/** `at`: Langfuse's own time by the answer's `Date` header, epoch milliseconds. */
export type LangfuseAnswer = { ok: true; json: unknown; at: number | null } | LangfuseFailure

/** Which of Langfuse's rate limits reading this counts towards. */
export function bucketOf(path: string): RateBucket {
  if (/^\/api\/public\/v2\/prompts(\/|$)/.test(path)) return 'prompts'
  return /^\/api\/public\/(traces|observations|sessions)(\/|$)/.test(path) ? 'legacy' : 'public-api'
}

const timeoutMs = 10_000
/** Langfuse itself limits an answer to 5 MB. */
const maxBytes = 6 * 1024 * 1024

const refusals = new Map([
  [401, 'Langfuse does not know these API keys (401)'],
  [403, 'These API keys may not read this (403)'],
  [404, 'Langfuse has nothing here (404)'],
  [429, 'The rate limit of Langfuse was reached (429)'],
])

const failed = (
  message: string,
  status: number | null = null,
  retryAfter: number | null = null,
): LangfuseFailure => ({ ok: false, status, retryAfterMs: retryAfter, message })

/**
 * Reads from Langfuse's public API: `path` follows the base address (`/api/public/…`), and values of `query` that are
 * undefined are left out. Follows no redirect, which could send the keys to another host. Throws only what `draw` throws.
 * `message` contains no key.
 */
export async function getFromLangfuse(
  { baseUrl, publicKey, secretKey, fetch, draw }: LangfuseApi,
  path: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Promise<LangfuseAnswer> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  const url = `${urlUnder(baseUrl, path)}${search.size > 0 ? `?${search}` : ''}`
  const waitMs = (await draw?.(bucketOf(path))) ?? 0
  if (waitMs > 0) {
    const message = `This minute's requests to Langfuse are used up: the next may be sent in ${Math.ceil(waitMs / 1000)} s`
    return { ok: false, status: null, retryAfterMs: waitMs, message, isOverBudget: true }
  }
  const authorization = `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`
  try {
    // A `..` in the path would request something else with these keys.
    if (!new URL(url).pathname.endsWith(path)) return failed('There is no valid address for this request')
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
      // If it is a date, it is by Langfuse's clock.
      const after = retryAfterMs(headers, date)
      const message = refusals.get(status) ?? `Langfuse answered ${status}`
      const failure = failed(message, status, after === null ? null : Math.min(after, maxBeyondMs))
      return status === 413 ? { ...failure, isTooLarge: true } : failure
    }
    const contentLength = headers.get('content-length')
    const body = await readBody(response.body, { maxBytes, timeoutMs, contentLength })
    if (!body.ok) {
      const failure = failed(`Langfuse's answer could not be read: ${body.message}`, status)
      return body.reason === 'too-large' ? { ...failure, isTooLarge: true } : failure
    }
    const json = jsonOf(Buffer.from(body.bytes).toString('utf8'))
    return json === undefined
      ? failed('Langfuse answered with something other than JSON', status)
      : { ok: true, json, at }
  } catch (error) {
    return failed(networkReason('Langfuse', error, URL.canParse(url) ? new URL(url).host : ''))
  }
}
