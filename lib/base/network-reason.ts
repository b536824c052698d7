const networkReasons: [RegExp, string][] = [
  [/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/, 'its name could not be resolved. Check the host name and DNS'],
  [/^ECONNREFUSED$/, 'the connection was refused. Check host and port, and that it is running'],
  [
    /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    'the connection broke before the answer was complete. The request may have arrived',
  ],
  [
    /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EHOSTUNREACH|ENETUNREACH)$/,
    'no connection was established. Check the network, and whether a firewall blocks it',
  ],
  [
    /^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|EPROTO$)/,
    'TLS failed. Check its certificate, and that the port serves https',
  ],
  [/^ERR_INVALID_URL$/, 'its URL is not valid. Correct it'],
]

/** The answer was not valid HTTP, or undici's parser failed at it (`ERR_ASSERTION`; `HTTPParserError` has no code). */
const unreadable = /^(HPE_|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES|HTTPParserError$|ERR_ASSERTION$)/
/** Errors that `fetch` wraps although it has not connected to anything. */
const unsent = /^(bad port|unknown scheme)$/

interface Thrown {
  name?: string
  message?: string
  code?: string
  cause?: unknown
  errors?: unknown[]
}

/** The code of a network error. `fetch` wraps it, and so does Node when it tries several addresses. */
export function codeOf(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 5) return null
  const { name, code, cause, errors } = error as Thrown
  if (name === 'TimeoutError' || name === 'AbortError') return name
  if (typeof code === 'string') return code
  if (name === 'HTTPParserError') return name
  return codeOf(cause ?? errors?.[0], depth + 1)
}

/** Whether an error without a code means that nothing was sent: `fetch` wraps errors of the network, and throws others as they are. */
function wasNotSent(error: unknown): boolean {
  const { cause } = (error ?? {}) as Thrown
  return cause === undefined || unsent.test((cause as Thrown | null)?.message ?? '')
}

/** Why there was no usable answer, as a sentence. It names only the host, since the rest of a URL may be a secret. */
export function networkReason(who: string, error: unknown, host: string): string {
  const code = codeOf(error)
  const name = host === '' ? who : `${who} (${host})`
  if (code === 'TimeoutError') return `${name} did not answer in time`
  if (code === 'AbortError') return `${name} had not answered when the relay stopped`
  if (code === null && wasNotSent(error))
    return `Nothing was sent to ${name}. Check its URL and token for stray characters`
  if (code === null || unreadable.test(code)) {
    const detail = code === null ? '' : ` (${code})`
    return `${name} gave an answer that is not valid HTTP. Check host and port. The request may have arrived${detail}`
  }
  const why = networkReasons.find(([pattern]) => pattern.test(code))?.[1] ?? 'the request failed'
  return `${name} was not reached: ${why} (${code})`
}
