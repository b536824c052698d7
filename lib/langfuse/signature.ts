import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * The two ways a body is signed, both HMAC-SHA256 with the whole secret string (prefix included) as key:
 * - `v1`, what Langfuse sends: `t=<unix seconds>,v1=<hex>` over `<t>.<body>`.
 *   https://github.com/langfuse/langfuse/blob/v4.16.0/packages/shared/src/encryption/signature.ts
 * - `bare`, what tutorials show: 64 hex digits over the body. It has no time of its own.
 *
 * The form of the header alone decides which one it is. A digest of one cannot pass as the other, because the signed
 * messages never coincide: those of `v1` start with a digit, and bodies that `bare` accepts start with `{`.
 */
export type SignatureScheme = 'v1' | 'bare'

export interface SignatureRefusal {
  ok: false
  reason:
    | 'signature-missing'
    | 'signature-malformed'
    | 'signature-expired'
    | 'signature-mismatch'
    | 'scheme-off'
  /** A sentence with numbers. Contains nothing of the header, the body or a secret. */
  message: string
}

export type SignatureResult =
  | {
      ok: true
      scheme: SignatureScheme
      /** The place of the secret that matched. */
      secretAt: number
      /** Its last four characters. */
      secretHint: string
      /** Epoch milliseconds of `t`; null for `bare`. */
      timestamp: number | null
    }
  | SignatureRefusal

interface Parsed {
  scheme: SignatureScheme
  /** Exactly as in the header, since it is part of the signed message. */
  t: string | null
  digests: Buffer[]
}

const maxHeader = 4096
const maxDigests = 16

const refuse = (reason: SignatureRefusal['reason'], message: string): SignatureRefusal => ({
  ok: false,
  reason,
  message,
})
const malformed = (message: string): SignatureRefusal => refuse('signature-malformed', message)

/** The pattern is needed: `Buffer.from` silently stops at the first wrong digit. */
function decode(hex: string): Buffer | null {
  return /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex') : null
}

function parseV1(header: string): Parsed | SignatureRefusal {
  const parts = header.split(',').map((part) => {
    const [key = '', ...value] = part.split('=')
    return { key: key.trim(), value: value.join('=').trim() }
  })
  const [time, ...moreTimes] = parts.filter(({ key }) => key === 't')
  if (!time || moreTimes.length > 0)
    return malformed(
      `The signature header must contain one t, it contains ${time ? moreTimes.length + 1 : 0}`,
    )
  if (!/^[0-9]{1,12}$/.test(time.value))
    return malformed('t must be unix seconds: 1 to 12 digits, nothing else')
  // Examples in older Langfuse docs wrote `s=`: https://github.com/langfuse/langfuse-docs/pull/3406
  const signatures = parts.filter(({ key }) => key === 'v1' || key === 's')
  if (signatures.length === 0) return malformed('The signature header contains no v1')
  if (signatures.length > maxDigests)
    return malformed(
      `The signature header contains ${signatures.length} signatures, the limit is ${maxDigests}`,
    )
  // One valid signature suffices: a sender that adds another form under the same key must not lose its events.
  const digests = signatures.map(({ value }) => decode(value)).filter((digest) => digest !== null)
  if (digests.length === 0) return malformed('No v1 is exactly 64 hex digits')
  return { scheme: 'v1', t: time.value, digests }
}

function parseHeader(header: string): Parsed | SignatureRefusal {
  if (header.length > maxHeader)
    return malformed(`The signature header has ${header.length} characters, the limit is ${maxHeader}`)
  const bare = decode(header)
  if (bare) return { scheme: 'bare', t: null, digests: [bare] }
  if (header.includes('=')) return parseV1(header)
  return malformed('The signature header is neither t=<unix seconds>,v1=<hex> nor exactly 64 hex digits')
}

/**
 * Whether a signed time is within the window, which reaches equally far into the past and the future, limits included.
 * Both times are epoch milliseconds.
 */
export function checkAge(
  timestampMs: number,
  now: number,
  toleranceSeconds: number,
): { ok: true } | SignatureRefusal {
  const age = now - timestampMs
  // Written this way round, NaN is outside.
  if (Math.abs(age) <= toleranceSeconds * 1000) return { ok: true }
  const seconds = Math.ceil(Math.abs(age) / 1000)
  const where = age < 0 ? `${seconds} s ahead of this clock` : `${seconds} s old`
  return refuse('signature-expired', `The signature is ${where}, the limit is ${toleranceSeconds} s`)
}

const digestOf = (secret: string, t: string | null, rawBody: Uint8Array): Buffer =>
  createHmac('sha256', secret)
    .update(t === null ? '' : `${t}.`)
    .update(rawBody)
    .digest()

const jsonBlanks: readonly (number | undefined)[] = [0x20, 0x09, 0x0a, 0x0d]

function startsLikeObject(rawBody: Uint8Array): boolean {
  let at = 0
  while (jsonBlanks.includes(rawBody[at])) at++
  return rawBody[at] === 0x7b
}

/** The place of the secret that matches, -1: none does. All are tried, so that the time taken does not reveal which one it is. */
function matching({ t, digests }: Parsed, rawBody: Uint8Array, secrets: readonly string[]): number {
  let found = -1
  for (const [place, secret] of secrets.entries()) {
    const expected = digestOf(secret, t, rawBody)
    for (const digest of digests) if (timingSafeEqual(expected, digest) && found === -1) found = place
  }
  return found
}

/** Verifies the received bytes. `now` is epoch milliseconds. Never throws, whatever the header is. */
export function verifySignature(request: {
  header: string | null | undefined
  rawBody: Uint8Array
  secrets: readonly string[]
  schemes: readonly SignatureScheme[]
  toleranceSeconds: number
  now: number
}): SignatureResult {
  const { rawBody, secrets, schemes, toleranceSeconds, now } = request
  const header = request.header?.trim() ?? ''
  if (header === '') return refuse('signature-missing', 'The request has no signature header')
  const parsed = parseHeader(header)
  if ('ok' in parsed) return parsed
  const { scheme, t } = parsed
  if (!schemes.includes(scheme))
    return refuse('scheme-off', `The signature is ${scheme}, only ${schemes.join(' and ')} is accepted`)
  const timestamp = t === null ? null : Number(t) * 1000
  const age = timestamp === null ? null : checkAge(timestamp, now, toleranceSeconds)
  if (age?.ok === false) return age
  if (scheme === 'bare' && !startsLikeObject(rawBody))
    return refuse('signature-mismatch', 'A bare signature is accepted only over a JSON object')
  const secretAt = matching(parsed, rawBody, secrets)
  const secret = secrets[secretAt]
  if (secret === undefined) {
    const many = secrets.length === 1 ? 'the secret' : `any of ${secrets.length} secrets`
    return refuse(
      'signature-mismatch',
      `The signature does not match ${many} over ${rawBody.byteLength} bytes`,
    )
  }
  return { ok: true, scheme, secretAt, secretHint: secret.slice(-4), timestamp }
}

/** The header that Langfuse would send with these bytes. `t` is unix seconds. */
export function sign(rawBody: Uint8Array, secret: string, t: number): string {
  return `t=${t},v1=${digestOf(secret, `${t}`, rawBody).toString('hex')}`
}
