import { allowedOrigins, type Env } from '../base/env.ts'

type Allowing = Pick<
  Env,
  'LANGFUSE_ORIGINS' | 'LANGFUSE_BASE_URL' | 'CALLBACK_HEADERS' | 'CALLBACK_TOKEN_HEADER'
>

/** Seconds; Chromium caps it at two hours. */
const maxAge = 3600

/** `server`: there is no `Origin`, which browsers send with every POST. */
export function originOf(
  headers: Headers,
  env: Allowing,
): { from: 'server' } | { from: 'page'; origin: string; isAllowed: boolean } {
  const origin = headers.get('origin')
  if (origin === null) return { from: 'server' }
  return { from: 'page', origin, isAllowed: allowedOrigins(env).includes(origin) }
}

/** For every answer, because it depends on the `Origin`; only an allowed origin may read it. */
export function corsHeaders(headers: Headers, env: Allowing): Record<string, string> {
  const sender = originOf(headers, env)
  const vary = { vary: 'Origin' }
  return sender.from === 'page' && sender.isAllowed
    ? { ...vary, 'access-control-allow-origin': sender.origin }
    : vary
}

/** Allows those of the requested headers that a page may send. */
export function preflightHeaders(headers: Headers, env: Allowing): Record<string, string> {
  const mayBeSent = ['content-type', env.CALLBACK_TOKEN_HEADER, ...env.CALLBACK_HEADERS]
  const asked = (headers.get('access-control-request-headers') ?? '').toLowerCase().split(',')
  const allowed = mayBeSent.filter((name) => asked.some((one) => one.trim() === name))
  return {
    ...corsHeaders(headers, env),
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-methods': 'POST',
    ...(allowed.length > 0 ? { 'access-control-allow-headers': [...new Set(allowed)].join(', ') } : {}),
    'access-control-max-age': String(maxAge),
  }
}
