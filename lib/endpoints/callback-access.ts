import { allowedOrigins, type Env } from '../base/env.ts'
import { isSameSecret } from '../base/same-secret.ts'
import type { CallbackAccess } from '../pipeline/callback-limits.ts'
import { originOf } from './cors.ts'

export interface CallbackDenial {
  status: 401 | 403 | 503
  reason: 'wrong-origin' | 'token-missing' | 'token-mismatch' | 'callbacks-closed'
  message: string
}

export const hasApiKeys = (env: Pick<Env, 'LANGFUSE_PUBLIC_KEY' | 'LANGFUSE_SECRET_KEY'>): boolean =>
  env.LANGFUSE_PUBLIC_KEY !== undefined && env.LANGFUSE_SECRET_KEY !== undefined

export function wrongOrigin(headers: Headers, env: Env): CallbackDenial | null {
  const sender = originOf(headers, env)
  if (sender.from === 'server' || sender.isAllowed) return null
  const allowed = allowedOrigins(env).join(', ')
  const message = `A page at ${sender.origin.slice(0, 200)} called; allowed are pages at ${allowed}`
  return { status: 403, reason: 'wrong-origin', message }
}

/** The three ways to open the endpoint. Langfuse's browser form can hold no secret, so a page needs none. */
function closed(env: Env): CallbackDenial {
  const keys = hasApiKeys(env)
    ? 'call from a browser page at'
    : 'set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, by which callbacks are confirmed that come from a browser page at'
  const message = `This callback is not accepted. Choose one of three: set CALLBACK_TOKEN, and have Langfuse send it; ${keys} ${allowedOrigins(env).join(', ')}; or set CALLBACK_OPEN=1, which accepts callbacks of anyone.`
  return { status: 503, reason: 'callbacks-closed', message }
}

/** By the headers alone, before a byte of the body is read. A token that is wrong is refused, whatever else would do. */
export function callbackAccess(
  headers: Headers,
  env: Env,
): { ok: true; by: CallbackAccess } | ({ ok: false } & CallbackDenial) {
  const denial = wrongOrigin(headers, env)
  if (denial) return { ok: false, ...denial }
  const { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: name } = env
  const given = headers.get(name)?.replace(/^Bearer +/i, '')
  if (token !== undefined && given) {
    if (isSameSecret(given, token)) return { ok: true, by: 'token' }
    const message = `The token in \`${name}\` is another one`
    return { ok: false, status: 401, reason: 'token-mismatch', message }
  }
  if (originOf(headers, env).from === 'page' && hasApiKeys(env)) return { ok: true, by: 'page' }
  if (env.CALLBACK_OPEN) return { ok: true, by: 'open' }
  if (token === undefined) return { ok: false, ...closed(env) }
  return { ok: false, status: 401, reason: 'token-missing', message: `There is no token in \`${name}\`` }
}
