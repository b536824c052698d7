import { allowedOrigins, type Env } from '../base/env.ts'
import { isSameSecret } from '../base/same-secret.ts'
import { traceHeaders } from '../base/tracing.ts'
import type { ProjectDirectory } from '../core/rules/project-directory.ts'
import { openCallback } from '../langfuse/callback.ts'
import type { EventSource } from '../langfuse/stored-event.ts'
import { keptHeaders } from '../langfuse/webhook.ts'
import type { CallbackAccess, CallbackCall, TakeCallbacks } from '../pipeline/callbacks.ts'
import { noteCallback } from '../pipeline/journal.ts'
import { answer, bodyOf, headOf, type RefuseDeps, refuse, storeUnavailable } from './answers.ts'
import { corsHeaders, originOf, preflightHeaders } from './cors.ts'

const endpoint: EventSource = 'langfuse-callback'
/** Enough for 100 items with four ids of 200 characters in any script. */
const maxBytes = 512 * 1024
/** The body is not read if the headers are refused. */
const unread = { head: new Uint8Array(), size: 0 }

interface Configured {
  env: Env
  /** Absent: there is one project, that of the keys of `env`. */
  directory?: ProjectDirectory
}

export interface CallbackDeps extends RefuseDeps, Configured {
  /** What counts as one sender. */
  address: string
  take: TakeCallbacks
}

/** Answers the request that a browser sends before it lets a page call. */
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
 * The callback endpoint checks access, body and limits. 202: the items are stored durably, or were before. Every refusal
 * gives its reason and is recorded. 503: no kind of access is configured, or the store is out of reach. An allowed page may
 * read each answer. An origin does not prove that the ids are real: any program can send one.
 */
export async function answerCallback(request: Request, deps: CallbackDeps): Promise<Response> {
  const { env } = deps
  const cors = corsHeaders(request.headers, env)
  const access = callbackAccess(request.headers, deps)
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
  { env, directory, address }: CallbackDeps,
): CallbackCall => ({
  items,
  access,
  canConfirm: (projectId) => hasKeysFor(projectId, { env, directory }),
  address,
  headers: JSON.stringify({ ...keptHeaders(request.headers), ...traceHeaders() }),
  tokenHint: access === 'token' ? (env.CALLBACK_TOKEN?.slice(-4) ?? '') : '',
})

interface CallbackDenial {
  status: 401 | 403 | 503
  reason: 'wrong-origin' | 'token-missing' | 'token-mismatch' | 'callbacks-closed'
  message: string
}

const hasApiKeys = ({ env, directory }: Configured): boolean =>
  directory === undefined
    ? env.LANGFUSE_PUBLIC_KEY !== undefined && env.LANGFUSE_SECRET_KEY !== undefined
    : directory.projects.some(({ keys }) => keys !== null)

/** An id that no project is known to have may be of one whose id is not known yet, and is confirmed with its keys. */
function hasKeysFor(projectId: string, configured: Configured): boolean {
  const project = configured.directory?.withId(projectId)
  return project ? project.keys !== null : hasApiKeys(configured)
}

function wrongOrigin(headers: Headers, env: Env): CallbackDenial | null {
  const sender = originOf(headers, env)
  if (sender.from === 'server' || sender.isAllowed) return null
  const allowed = allowedOrigins(env).join(', ')
  const message = `The request comes from a page at ${sender.origin.slice(0, 200)}; allowed are pages at ${allowed}`
  return { status: 403, reason: 'wrong-origin', message }
}

/** What the keys are called, where that is short enough for an answer. */
function keysOf({ directory }: Configured): string {
  const projects = directory?.projects ?? []
  if (projects.length > 3) return 'the API keys of the projects'
  const names = projects.map(({ called }) => `${called.publicKey} and ${called.secretKey}`)
  return names.join(', or ') || 'LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY'
}

/** Names the three kinds of access. A page needs no token, because Langfuse's browser form cannot keep a secret. */
function closed(configured: Configured): CallbackDenial {
  const { env } = configured
  const keys = hasApiKeys(configured)
    ? 'send it from a browser page at'
    : `set ${keysOf(configured)}, which confirm callbacks from a browser page at`
  const message = `Callbacks are closed. Do one of these: set CALLBACK_TOKEN, and have Langfuse send it; ${keys} ${allowedOrigins(env).join(', ')}; or set CALLBACK_OPEN=1, to accept callbacks from anyone.`
  return { status: 503, reason: 'callbacks-closed', message }
}

/** By the headers alone, before the body is read. A wrong token is refused even if the request needs none. */
function callbackAccess(
  headers: Headers,
  configured: Configured,
): { ok: true; by: CallbackAccess } | ({ ok: false } & CallbackDenial) {
  const { env } = configured
  const denial = wrongOrigin(headers, env)
  if (denial) return { ok: false, ...denial }
  const { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: name } = env
  const given = headers.get(name)?.replace(/^Bearer +/i, '')
  if (token !== undefined && given) {
    if (isSameSecret(given, token)) return { ok: true, by: 'token' }
    const message = `The token in \`${name}\` is wrong`
    return { ok: false, status: 401, reason: 'token-mismatch', message }
  }
  if (originOf(headers, env).from === 'page' && hasApiKeys(configured)) return { ok: true, by: 'page' }
  if (env.CALLBACK_OPEN) return { ok: true, by: 'open' }
  if (token === undefined) return { ok: false, ...closed(configured) }
  return { ok: false, status: 401, reason: 'token-missing', message: `There is no token in \`${name}\`` }
}
