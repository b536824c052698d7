import { z } from 'zod'
import { cleaned, isCommonPassword, isQuoted, lineFlaw, secretFlaw, textFlaw, trimmed } from './text-flaws.ts'

export const list = (value: string): string[] =>
  cleaned(value)
    .split(/[\s,]+/)
    .map(cleaned)
    .filter((part) => part !== '')

/** Blank means unset: hosting panels keep empty variables around. What surrounds a value and is not of it is taken off. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? cleaned(value) || undefined : value), schema)

/** A text of one form; `flaws` say, in turn, why it is none, and the first that does is told. */
export const textOf = (...flaws: ((value: string) => string | null)[]) =>
  z.string({ error: 'is not a text' }).superRefine((value, context) => {
    for (const flaw of flaws) {
      const message = flaw(value)
      if (message === null) continue
      context.addIssue({ code: 'custom', message })
      return
    }
  })

export const like = (pattern: RegExp, error: string) => (value: string) =>
  pattern.test(value) ? null : error

/** What a setting of a target is made of, wherever it comes from: the same as for a variable, but never blank. */
export const setting = <T extends z.ZodType>(
  schema: T,
  change: (value: string) => string = (value) => value,
) => z.preprocess((value) => (typeof value === 'string' ? change(cleaned(value)) : value), schema)

const looksLikeHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#]|$)|^localhost\b/i

/** Why something is no http(s) URL that can be posted to, fetched or linked, as something to follow its name. */
export function urlFlaw(value: string): string | null {
  if (looksLikeHost.test(value)) return 'is not an http(s) URL: put https:// before it'
  if (!/^https?:\/\/[^/]/i.test(value) || !URL.canParse(value)) return 'is not an http(s) URL'
  if (/\s/.test(value)) return 'is not an http(s) URL: it holds a blank'
  if (/^https?:\/\/https?:?\/\//i.test(value)) return 'has its https:// twice: take one off'
  if (/,https?:\/\//i.test(value)) return 'holds several URLs: set one'
  const { username, password } = new URL(value)
  if (username === '' && password === '') return null
  return 'holds a user and a password (user:password@), which would stand in messages, links and logs: take them out'
}

/** `none`: of what a base address must not hold. */
export function partsFlaw(value: string, none: { path?: string }): string | null {
  const { pathname, search, hash } = new URL(value)
  if (search !== '' || hash !== '') return 'holds a query or a fragment (from ? or # on): take it off'
  return none.path !== undefined && pathname !== '/' ? `holds a path: ${none.path}` : null
}

function publicUrlFlaw(value: string): string | null {
  return partsFlaw(value, { path: 'the relay answers at the root of its host, so take the path off' })
}

function langfuseUrlFlaw(value: string): string | null {
  if (/\/(project|organization|auth)\//.test(new URL(value).pathname))
    return 'is the address of a page in Langfuse: take off everything after the host (or after the base path)'
  return partsFlaw(value, {})
}

/** What a copied address of Langfuse's API has after the base. */
const withoutApiPath = (value: string): string => value.replace(/\/api\/public(\/[^?#]*)?$/i, '')

const encode = 'encode # as %23, / as %2F, ? as %3F and @ as %40 in the password'

/** As `pg` reads it, which also takes an address without a host. */
function parsedPostgres(url: string): URL | null {
  for (const one of [url, url.replace('@/', '@localhost/')]) if (URL.canParse(one)) return new URL(one)
  return null
}

/** What SQLite or a shell makes of a path, and we do not; null: it is taken as it is. */
function pathFlaw(path: string): string | null {
  if (path.startsWith(':memory:'))
    return 'is a store in memory, which ends with the process, and with it what was accepted: name a file'
  if (path.startsWith('~')) return 'begins with ~, which only a shell knows: write the whole path'
  if (/^\$|\$\{/.test(path)) return 'names a variable that was not filled in: write the whole path'
  return path.includes('?') ? 'holds a query (from ? on): take it off' : null
}

/** Why an address of the store does not work, whatever is behind it. */
function databaseUrlFlaw(value: string): string | null {
  if (value.startsWith('file:')) return pathFlaw(value.slice('file:'.length))
  const line = lineFlaw(value)
  if (line !== null) return line
  if (/\[YOUR-PASSWORD\]|<[^<>]+>/i.test(value)) return 'holds a placeholder: put the password in its place'
  if (/\*{4}|[•●]{2}|…/.test(value))
    return 'is masked (with dots or stars in place of the password): copy the whole value'
  const url = parsedPostgres(value)
  if (url === null) return `is not a valid URL: ${encode}`
  // What comes after the first # / or ? of a password is taken for another part, in which the host's @ is found.
  if (url.hash !== '' || url.pathname.includes('@') || (url.pathname === '' && url.search.includes('@')))
    return `is not the URL that was meant: ${encode}`
  return null
}

export const httpUrl = setting(textOf(textFlaw, urlFlaw))
export const publicUrl = setting(textOf(textFlaw, urlFlaw, publicUrlFlaw))
export const langfuseUrl = setting(textOf(textFlaw, urlFlaw, langfuseUrlFlaw), withoutApiPath)

export const databaseUrl = setting(
  textOf(
    like(/^(file:.+|postgres(ql)?:\/\/.+)/, 'is neither file:<path> nor postgres://…'),
    (value) => (value.startsWith('file:') ? textFlaw(value) : null),
    databaseUrlFlaw,
  ),
)

/** As it is copied from an example of a request. */
const withoutScheme = (value: string): string => value.replace(/^(bearer|token)\s+/i, '')

/** What a header carries to somebody else, who made it. */
export const foreignToken = setting(
  textOf(secretFlaw, (value) => (/\s/.test(value) ? 'holds a blank' : null)),
  withoutScheme,
)

/** A token that requests show to us, of our operator's own making. */
export const ownToken = (min: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? withoutScheme(trimmed(value)) || undefined : value),
    textOf(secretFlaw, shorterThan(min)).optional(),
  )

const shorterThan = (min: number) => (value: string) =>
  value.length < min ? `is shorter than ${min} characters` : null

function passwordFlaw(value: string): string | null {
  if (isQuoted(value)) return 'stands in quotes, which would be part of it: take the quotes off'
  if (/[\r\n]/.test(value)) return 'holds a line break, which nobody can type'
  const line = lineFlaw(value)
  if (line !== null) return line
  return isCommonPassword(value) ? 'is one of the commonest passwords: choose one that nobody else has' : null
}

/** Typed by people: only line breaks around it are surely not meant. */
export const password = (min: number, example: string) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.replace(/^[\r\n]+|[\r\n]+$/g, '') || undefined : value),
    textOf(shorterThan(min), passwordFlaw, (value) =>
      value === example ? 'is the example, which everybody can read: choose another' : null,
    ).optional(),
  )

const keyOf = (prefix: string, other: string) =>
  optional(
    textOf(secretFlaw, (value) =>
      value.startsWith(other)
        ? `begins with ${other}: the two keys are swapped (this one begins with ${prefix})`
        : null,
    ).optional(),
  )

export const langfusePublicKey = keyOf('pk-lf-', 'sk-lf-')
export const langfuseSecretKey = keyOf('sk-lf-', 'pk-lf-')

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

export const flag = () =>
  optional(
    z
      .enum(['0', '1', 'false', 'true'], { error: 'is neither 1 nor 0' })
      .default('0')
      .transform((value) => value === '1' || value === 'true'),
  )

/** Longest wait of a schedule, and most tries. */
const maxDelaySeconds = 30 * 86_400
const maxTries = 100

export const delays = z
  .array(
    z
      .number({ error: 'is not a number of seconds' })
      .min(0, { error: 'is below 0' })
      .max(maxDelaySeconds, { error: 'is longer than 30 days' }),
    { error: 'is not a list of seconds' },
  )
  .min(1, { error: 'is empty' })
  .max(maxTries, { error: `is longer than ${maxTries}` })

export const delayList = optional(
  z
    .string()
    .optional()
    .transform((value) => (value === undefined ? undefined : list(value).map(Number)))
    .refine((value) => value === undefined || delays.safeParse(value).success, {
      error: 'is not a list of seconds (each at most 30 days, 100 at most)',
    }),
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

export const isHeaderName = (name: string): boolean => headerForm.test(name.toLowerCase())

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

/** Several secrets, none of which has a flaw; none where it is unset. */
export const secretsOf = (...flaws: ((secret: string) => string | null)[]) =>
  optional(
    z
      .string({ error: 'is not a text' })
      .default('')
      .transform(list)
      .superRefine((secrets, context) => {
        for (const message of secrets.flatMap((secret) => firstOf(flaws, secret) ?? []).slice(0, 1))
          context.addIssue({ code: 'custom', message })
      }),
  )

function firstOf(flaws: ((secret: string) => string | null)[], secret: string): string | null {
  for (const flaw of flaws) {
    const message = flaw(secret)
    if (message !== null) return message
  }
  return null
}

/** What surely signs nothing: another thing that was copied, or several as one. */
function otherThing(secret: string): string | null {
  if (secret.startsWith('#')) return 'holds a #: take the comment off'
  if (/^(sk|pk)-lf-/.test(secret))
    return 'holds an API key of Langfuse: the secret of the webhook begins with lf-whsec_'
  if (/^https?:\/\//i.test(secret)) return 'holds a URL: copy the secret that Langfuse shows'
  return secret.lastIndexOf('lf-whsec_') > 0
    ? 'holds a secret with something before lf-whsec_: separate several by commas'
    : null
}

/** Langfuse's own begin with `lf-whsec_`; other senders may have any of 16 characters or more. */
export const langfuseSecrets = secretsOf(
  (secret) =>
    secret === 'v1'
      ? 'holds a secret that begins with v1, which is not one of Langfuse (lf-whsec_…): copy the one that Langfuse shows'
      : null,
  (secret) => {
    const flaw = textFlaw(secret)
    return flaw === null ? null : `holds a secret that ${flaw}`
  },
  otherThing,
  (secret) => (secret.length < 16 ? 'holds a secret shorter than 16 characters' : null),
)
