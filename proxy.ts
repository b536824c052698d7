import { randomBytes } from 'node:crypto'
import { type NextRequest, NextResponse } from 'next/server'
import { currentEnv } from '#lib/base/current-env.ts'
import { originProblem } from '#lib/endpoints/form-origin.ts'

const isDevelopment = process.env.NODE_ENV === 'development'

/** In development React needs `eval` for stack traces, and Next's overlay has inline styles. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    isDevelopment ? "style-src 'self' 'unsafe-inline'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** For a response that is only text. */
const closedPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const fixedHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not `no-referrer`: with it browsers send `Origin: null` from our own forms, and Next refuses the action.
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow',
}

/** Text for Next's script, which shows it in `app/error.tsx`; a plain page for a browser without JavaScript. */
function refusal(request: NextRequest, status: number, problem: string): NextResponse {
  const isScript = request.headers.has('next-action')
  const text = problem.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  const page = `<!doctype html><html lang="en"><title>Refused</title><h1>This form was refused</h1><p>${text}</p></html>`
  const headers = {
    ...fixedHeaders,
    'cache-control': 'no-store',
    'content-security-policy': closedPolicy,
    // Next's script shows the text of a response only if it has exactly this type.
    'content-type': isScript ? 'text/plain' : 'text/html; charset=utf-8',
  }
  return new NextResponse(isScript ? problem : page, { status, headers })
}

/** Next answers 500 to a form that it cannot parse. */
async function isWellFormed(request: NextRequest): Promise<boolean> {
  const isMultipart = request.headers.get('content-type')?.startsWith('multipart/form-data') === true
  try {
    if (isMultipart) await request.clone().formData()
    else if (request.headers.has('next-action')) JSON.parse(await request.clone().text())
    return true
  } catch {
    return false
  }
}

/**
 * A write must come from one of our own forms. Next compares the origin too, but answers 500 if it differs, and reads a
 * public address only at build time. If the origin is `PUBLIC_URL`, `headers` name its host to Next.
 */
async function refusedWrite(request: NextRequest, headers: Headers): Promise<NextResponse | null> {
  if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return null
  const given = {
    origin: request.headers.get('origin'),
    host: request.headers.get('host'),
    forwardedHost: request.headers.get('x-forwarded-host'),
  }
  const judged = originProblem(given, currentEnv().env?.PUBLIC_URL)
  if (judged.problem !== null) return refusal(request, 403, judged.problem)
  if (!(await isWellFormed(request)))
    return refusal(request, 400, 'The form cannot be parsed, or is too large.')
  if (judged.isPublic && given.origin) headers.set('x-forwarded-host', new URL(given.origin).host)
  return null
}

/**
 * Refuses writes from other sites, and sets the security headers of every page, with a fresh nonce that Next reads from
 * the request's headers.
 */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const headers = new Headers(request.headers)
  const refused = await refusedWrite(request, headers)
  if (refused) return refused
  const policy = contentSecurityPolicy(randomBytes(16).toString('base64'))
  headers.set('content-security-policy', policy)
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('content-security-policy', policy)
  for (const [name, value] of Object.entries(fixedHeaders)) response.headers.set(name, value)
  return response
}

/** Never the API: a matched route handles half as many requests, and its bodies are truncated at 10 MB. */
export const config = { matcher: ['/((?!api(?:/|$)|_next/).*)'] }
