import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'

export const list = (value: string): string[] => value.split(/[\s,]+/).filter((part) => part !== '')

/** Blank means unset: hosting panels keep empty variables around. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() === '' ? undefined : value), schema)

export const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' })

export const numberFrom = (fallback: number, min: number, max: number) =>
  optional(
    z.coerce
      .number({ error: 'is not a number' })
      .min(min, { error: `is below ${min}` })
      .max(max, { error: `is above ${max}` })
      .default(fallback),
  )

export const wholeFrom = (fallback: number, min: number, max: number) =>
  numberFrom(fallback, min, max).refine(Number.isInteger, { error: 'is not a whole number' })

export const secretOf = (min: number) =>
  z
    .string()
    .min(min, { error: `is shorter than ${min} characters` })
    .optional()

/** Optional, of one form. */
export const matching = (pattern: RegExp, error: string) =>
  optional(z.string().regex(pattern, { error }).optional())

export const flag = () =>
  optional(
    z
      .enum(['0', '1', 'false', 'true'], { error: 'is neither 1 nor 0' })
      .default('0')
      .transform((value) => value === '1' || value === 'true'),
  )

/** PEM as it is, with its line breaks as `\\n`, or as a whole in base64: panels take no line breaks. */
function pemOf(value: string): string {
  const pem = value.includes('-----BEGIN') ? value : Buffer.from(value, 'base64').toString('utf8')
  return pem.replaceAll('\\n', '\n').trim()
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

export const rsaKey = optional(
  z.string().transform(pemOf).refine(isRsaKey, { error: 'is not an RSA private key in PEM' }).optional(),
)

const originForm = (value: string): string | null => {
  if (!URL.canParse(value)) return null
  const { origin, protocol } = new URL(value)
  return /^https?:$/.test(protocol) && origin === value.replace(/\/$/, '').toLowerCase() ? origin : null
}

/** Several origins as browsers write them (`https://host:port`); undefined where it is unset. */
export const origins = optional(
  z
    .string()
    .optional()
    .transform((value) => (value === undefined ? undefined : list(value).map(originForm)))
    .refine((all) => all === undefined || all.every((one) => one !== null), {
      error: 'is not a list of origins, each with its scheme and without a path',
    })
    .transform((all) => all?.flatMap((one) => one ?? [])),
)

/** RFC 9110, §5.1. */
const headerForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/** Names of headers, lower-case. */
export const headerNames = optional(
  z
    .string()
    .default('')
    .transform((value) => list(value.toLowerCase()))
    .refine((names) => names.every((name) => headerForm.test(name)), {
      error: 'is not a list of header names',
    }),
)

export const headerName = (fallback: string) =>
  optional(
    z
      .string()
      .default(fallback)
      .transform((value) => value.trim().toLowerCase())
      .refine((name) => headerForm.test(name), { error: 'is not the name of a header' }),
  )

/** Several secrets; none where it is unset. */
export const secretsLike = (pattern: RegExp, error: string) =>
  optional(
    z
      .string()
      .default('')
      .transform(list)
      .refine((secrets) => secrets.every((secret) => pattern.test(secret)), { error }),
  )
