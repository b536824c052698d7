import type { Env } from '../base/env.ts'
import { traceHeaders } from '../base/tracing.ts'
import { openCallback } from '../langfuse/callback.ts'
import type { EventSource } from '../langfuse/stored.ts'
import { keptHeaders } from '../langfuse/webhook.ts'
import type { CallbackAccess } from '../pipeline/callback-limits.ts'
import type { CallbackCall, TakeCallbacks } from '../pipeline/callbacks.ts'
import { noteCallback } from '../pipeline/journal.ts'
import { answer, bodyOf, headOf, type RefuseDeps, refuse, storeUnavailable } from './answers.ts'
import { callbackAccess, hasApiKeys, wrongOrigin } from './callback-access.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'

const endpoint: EventSource = 'langfuse-callback'
/** 100 items, each with four ids of 200 characters of any script. */
const maxBytes = 512 * 1024
/** Of what is refused by its headers, no byte is read. */
const unread = { head: new Uint8Array(), size: 0 }

export interface CallbackDeps extends RefuseDeps {
  env: Env
  /** Who counts as one sender. */
  address: string
  take: TakeCallbacks
}

/** The question that a browser asks before it lets a page call. */
export async function answerPreflight(
  request: Request,
  { env, ...deps }: RefuseDeps & { env: Env },
): Promise<Response> {
  const denial = wrongOrigin(request.headers, env)
  if (denial)
    return refuse(request, { ...denial, ...unread, endpoint }, deps, corsHeaders(request.headers, env))
  const headers = { ...preflightHeaders(request.headers, env), 'cache-control': 'no-store' }
  return new Response(null, { status: 204, headers })
}

/**
 * The callback endpoint: access, form, limits. 202 when the items are stored durably, repeats among them or not; every
 * refusal with its reason, kept as a rejection; 503 when no way in is configured, and when the store is out of reach. An
 * allowed page may read each answer. An origin does not prove that the ids are real: any program can claim one.
 */
export async function answerCallback(request: Request, deps: CallbackDeps): Promise<Response> {
  const { env } = deps
  const cors = corsHeaders(request.headers, env)
  const access = callbackAccess(request.headers, env)
  if (!access.ok) return refuse(request, { ...access, ...unread, endpoint }, deps, cors)
  const body = await bodyOf(request, maxBytes)
  if (!body.ok) return refuse(request, { ...body, endpoint }, deps, cors)
  const seen = { ...headOf(body.bytes), endpoint }
  const opened = openCallback(body.bytes)
  if (!opened.ok) return refuse(request, { ...opened, ...seen }, deps, cors)
  try {
    const taken = await deps.take(callOf(request, opened.items, access.by, deps))
    if (!taken.ok) {
      const { message, retryAfterMs } = taken
      const wait = { ...cors, 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
      return refuse(request, { status: 429, reason: 'too-many', message, ...seen }, deps, wait)
    }
    noteCallback(endpoint, taken)
    return answer(202, { ok: true }, cors)
  } catch (error) {
    return storeUnavailable(error, { endpoint, size: seen.size }, cors)
  }
}

const callOf = (
  request: Request,
  items: CallbackCall['items'],
  access: CallbackAccess,
  { env, address }: CallbackDeps,
): CallbackCall => ({
  items,
  access,
  canConfirm: hasApiKeys(env),
  address,
  headers: JSON.stringify({ ...keptHeaders(request.headers), ...traceHeaders() }),
  tokenHint: access === 'token' ? (env.CALLBACK_TOKEN?.slice(-4) ?? '') : '',
})
