import { createHash, timingSafeEqual } from 'node:crypto'
import type { CallbackCall, TakeCallbacks } from './callback-store.ts'
import { allowedOrigins, corsHeaders, originOf, preflightHeaders } from './cors.ts'
import { answer, bodyOf, headOf, type RefuseDeps, refuse, storeUnavailable } from './door-answers.ts'
import type { Env } from './env.ts'
import { noteCallback } from './journal.ts'
import { openCallback } from './sources/langfuse-callback.ts'
import { keptHeaders } from './sources/langfuse-webhook.ts'
import type { EventSource } from './sources/stored-body.ts'
import { traceHeaders } from './tracing.ts'

const door: EventSource = 'langfuse-callback'
/** 100 items, each with four ids of 200 characters of any script. */
const maxBytes = 512 * 1024

export interface CallbackDeps extends RefuseDeps {
  env: Env
  /** Who counts as one sender. */
  address: string
  take: TakeCallbacks
}

interface Denial {
  status: 401 | 403
  reason: 'wrong-origin' | 'token-missing' | 'token-mismatch'
  message: string
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function wrongOrigin({ headers }: Request, env: Env): Denial | null {
  const sender = originOf(headers, env)
  if (sender.from === 'server' || sender.isAllowed) return null
  const allowed = allowedOrigins(env).join(', ')
  const message = `A page at ${sender.origin.slice(0, 200)} called; allowed are pages at ${allowed}`
  return { status: 403, reason: 'wrong-origin', message }
}

function wrongToken({ headers }: Request, env: Env): Denial | null {
  const { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: name } = env
  if (token === undefined) return null
  const given = headers.get(name)?.replace(/^Bearer +/i, '')
  if (!given) return { status: 401, reason: 'token-missing', message: `There is no token in \`${name}\`` }
  if (timingSafeEqual(digest(given), digest(token))) return null
  return { status: 401, reason: 'token-mismatch', message: `The token in \`${name}\` is another one` }
}

/** The question that a browser asks before it lets a page call. */
export async function answerPreflight(
  request: Request,
  { env, ...deps }: RefuseDeps & { env: Env },
): Promise<Response> {
  const denial = wrongOrigin(request, env)
  const empty = { head: new Uint8Array(), size: 0 }
  if (denial) return refuse(request, { ...denial, ...empty, door }, deps, corsHeaders(request.headers, env))
  const headers = { ...preflightHeaders(request.headers, env), 'cache-control': 'no-store' }
  return new Response(null, { status: 204, headers })
}

/**
 * The callback door: origin, token, form, pace. 202 when the items are stored durably, repeats among them or not;
 * every refusal with its reason, kept as a rejection; 503 when the store is out of reach. An allowed page may read
 * each answer. Neither origin nor token proves that the ids are real.
 */
export async function answerCallback(request: Request, deps: CallbackDeps): Promise<Response> {
  const { env, address, take } = deps
  const cors = corsHeaders(request.headers, env)
  const body = await bodyOf(request, maxBytes)
  if (!body.ok) return refuse(request, { ...body, door }, deps, cors)
  const seen = { ...headOf(body.bytes), door }
  const denial = wrongOrigin(request, env) ?? wrongToken(request, env)
  if (denial) return refuse(request, { ...denial, ...seen }, deps, cors)
  const opened = openCallback(body.bytes)
  if (!opened.ok) return refuse(request, { ...opened, ...seen }, deps, cors)
  const call: CallbackCall = {
    items: opened.items,
    address,
    headers: JSON.stringify({ ...keptHeaders(request.headers), ...traceHeaders() }),
    tokenHint: env.CALLBACK_TOKEN?.slice(-4) ?? '',
  }
  try {
    const taken = await take(call)
    if (!taken.ok) {
      const { message, retryAfterMs } = taken
      const wait = { ...cors, 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
      return refuse(request, { status: 429, reason: 'too-many', message, ...seen }, deps, wait)
    }
    noteCallback(door, taken)
    return answer(202, { ok: true }, cors)
  } catch (error) {
    return storeUnavailable(error, { door, size: body.bytes.byteLength }, cors)
  }
}
