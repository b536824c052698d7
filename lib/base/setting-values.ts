import { z } from 'zod'
import { cleaned, isCommonPassword, isQuoted, lineFlaw, secretFlaw, textFlaw, trimmed } from './text-flaws.ts'

export const list = (value: string): string[] =>
  cleaned(value)
    .split(/[\s,]+/)
    .map(cleaned)
    .filter((part) => part !== '')

/** Blank means unset: hosting panels keep empty variables around. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? cleaned(value) || undefined : value), schema)

/** A text that has none of these flaws; the first one found is reported. */
export const textOf = (...flaws: ((value: string) => string | null)[]) =>
  z.string({ error: 'is not a string' }).superRefine((value, context) => {
    for (const flaw of flaws) {
      const message = flaw(value)
      if (message === null) continue
      context.addIssue({ code: 'custom', message })
      return
    }
  })

export const like = (pattern: RegExp, error: string) => (value: string) =>
  pattern.test(value) ? null : error

/** A setting that may come from a variable or from `relay.config.ts`. Unlike `optional`, it does not take blank for unset. */
export const setting = <T extends z.ZodType>(
  schema: T,
  change: (value: string) => string = (value) => value,
) => z.preprocess((value) => (typeof value === 'string' ? change(cleaned(value)) : value), schema)

const looksLikeHost = /^[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#]|$)|^localhost\b/i

/** What is wrong with an http(s) URL, in words that follow its name, or null. */
export function urlFlaw(value: string): string | null {
  if (looksLikeHost.test(value)) return 'is not an http(s) URL: add https:// in front'
  if (!/^https?:\/\/[^/]/i.test(value) || !URL.canParse(value)) return 'is not an http(s) URL'
  if (/\s/.test(value)) return 'is not an http(s) URL: it contains a space'
  if (/^https?:\/\/https?:?\/\//i.test(value)) return 'has https:// twice: remove one'
  if (/,https?:\/\//i.test(value)) return 'contains several URLs: set only one'
  const { username, password } = new URL(value)
  if (username === '' && password === '') return null
  return 'contains a user name and a password (user:password@), which would appear in messages, links and logs: remove them'
}

/** `path`: what to do about a path, where a base address must not have one. */
export function partsFlaw(value: string, { path }: { path?: string } = {}): string | null {
  const { pathname, search, hash } = new URL(value)
  if (search !== '' || hash !== '')
    return 'contains a query or a fragment: remove everything from the ? or # on'
  return path !== undefined && pathname !== '/' ? `contains a path: ${path}` : null
}

function publicUrlFlaw(value: string): string | null {
  return partsFlaw(value, { path: 'remove it, since the relay is served at the root of its host' })
}

function langfuseUrlFlaw(value: string): string | null {
  if (/\/(project|organization|auth)\//.test(new URL(value).pathname))
    return 'is the address of a page in Langfuse: keep only the host (and the base path, if there is one)'
  return partsFlaw(value)
}

/** People copy the address of Langfuse's API, which has this after the base address. */
const withoutApiPath = (value: string): string => value.replace(/\/api\/public(\/[^?#]*)?$/i, '')

const encode = 'in the password, write # as %23, / as %2F, ? as %3F and @ as %40'

/** As `pg` reads it, which also accepts a URL without a host. */
function parsedPostgres(url: string): URL | null {
  for (const one of [url, url.replace('@/', '@localhost/')]) if (URL.canParse(one)) return new URL(one)
  return null
}

/** What SQLite or a shell would interpret in a path, and the relay does not; null if there is nothing. */
function pathFlaw(path: string): string | null {
  if (path.startsWith(':memory:'))
    return 'is an in-memory store, which loses accepted events when the process ends: name a file'
  if (path.startsWith('~')) return 'starts with ~, which only a shell expands: write the full path'
  if (/^\$|\$\{/.test(path)) return 'contains a variable that was not substituted: write the full path'
  return path.includes('?') ? 'contains a query: remove everything from the ? on' : null
}

/** What is wrong with the address of a store, or null. */
function databaseUrlFlaw(value: string): string | null {
  if (value.startsWith('file:')) return pathFlaw(value.slice('file:'.length))
  const line = lineFlaw(value)
  if (line !== null) return line
  if (/\[YOUR-PASSWORD\]|<[^<>]+>/i.test(value)) return 'contains a placeholder: replace it with the password'
  if (/\*{4}|[•●]{2}|…/.test(value))
    return 'is masked (dots or asterisks instead of the password): copy the whole value'
  const url = parsedPostgres(value)
  if (url === null) return `is not a valid URL: ${encode}`
  // A password's first #, / or ? ends the authority, so that the @ before the host ends up in a later part.
  if (url.hash !== '' || url.pathname.includes('@') || (url.pathname === '' && url.search.includes('@')))
    return `does not read as the URL that was meant: ${encode}`
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

/** People copy a token along with its scheme from examples of requests. */
const withoutScheme = (value: string): string => value.replace(/^(bearer|token)\s+/i, '')

/** A token that someone else issued and the relay sends in a header. */
export const foreignToken = setting(
  textOf(secretFlaw, (value) => (/\s/.test(value) ? 'contains a space' : null)),
  withoutScheme,
)

/** A token that the operator chose and requests to the relay must carry. */
export const ownToken = (min: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? withoutScheme(trimmed(value)) || undefined : value),
    textOf(secretFlaw, shorterThan(min)).optional(),
  )

const shorterThan = (min: number) => (value: string) =>
  value.length < min ? `is shorter than ${min} characters` : null

function passwordFlaw(value: string): string | null {
  if (isQuoted(value)) return 'is in quotes, which would become part of it: remove them'
  if (/[\r\n]/.test(value)) return 'contains a line break, which cannot be typed'
  const line = lineFlaw(value)
  if (line !== null) return line
  return isCommonPassword(value) ? 'is one of the most common passwords: choose another' : null
}

/** People type it, so nothing but line breaks around it is surely a mistake. */
export const password = (min: number, example: string) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? value.replace(/^[\r\n]+|[\r\n]+$/g, '') || undefined : value),
    textOf(shorterThan(min), passwordFlaw, (value) =>
      value === example ? 'is the published example: choose another' : null,
    ).optional(),
  )

const keyOf = (prefix: string, other: string) =>
  textOf(secretFlaw, (value) =>
    value.startsWith(other)
      ? `starts with ${other}: the two keys are swapped (this one starts with ${prefix})`
      : null,
  )

export const publicKey = setting(keyOf('pk-lf-', 'sk-lf-'))
export const secretKey = setting(keyOf('sk-lf-', 'pk-lf-'))
export const langfusePublicKey = optional(keyOf('pk-lf-', 'sk-lf-').optional())
export const langfuseSecretKey = optional(keyOf('sk-lf-', 'pk-lf-').optional())

/** Langfuse's own ids are 25 letters and digits; whoever runs it may choose others. */
export const projectId = setting(
  textOf(
    textFlaw,
    (value) =>
      /^(sk|pk)-lf-/.test(value)
        ? 'is an API key: copy the id, which follows /project/ in its address'
        : null,
    (value) => (/[/\s]/.test(value) ? 'is not an id: copy what follows /project/ in its address' : null),
    (value) => (value.length > 200 ? 'is longer than 200 characters' : null),
  ),
)

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

export const flag = (fallback: '0' | '1' = '0') =>
  optional(
    z
      .enum(['0', '1', 'false', 'true'], { error: 'is neither 1 nor 0' })
      .default(fallback)
      .transform((value) => value === '1' || value === 'true'),
  )

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
      error: 'is not a list of seconds (at most 100, none above 30 days)',
    }),
)

const originForm = (value: string): string | null => {
  if (!URL.canParse(value)) return null
  const { origin, protocol } = new URL(value)
  return /^https?:$/.test(protocol) && origin === value.replace(/\/$/, '').toLowerCase() ? origin : null
}

/** Origins as browsers write them (`https://host:port`); undefined if unset. */
export const origins = optional(
  z
    .string()
    .optional()
    .transform((value) => (value === undefined ? undefined : list(value).map(originForm)))
    .refine((all) => all === undefined || all.every((one) => one !== null), {
      error: 'is not a list of origins, each a scheme and a host without a path',
    })
    .transform((all) => all?.flatMap((one) => one ?? [])),
)

/** RFC 9110, §5.1. */
const headerForm = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

export const isHeaderName = (name: string): boolean => headerForm.test(name.toLowerCase())

/** Header names in lower case. */
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
      .refine((name) => headerForm.test(name), { error: 'is not a header name' }),
  )

/** Secrets that have none of these flaws; an empty list if unset. */
export const secretsOf = (...flaws: ((secret: string) => string | null)[]) =>
  optional(
    z
      .string({ error: 'is not a string' })
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

/** What is surely no secret: something else that was copied, or several secrets run together. */
function otherThing(secret: string): string | null {
  if (secret.startsWith('#')) return 'contains a #: remove the comment'
  if (/^(sk|pk)-lf-/.test(secret))
    return 'contains an API key of Langfuse: the webhook secret starts with lf-whsec_'
  if (/^https?:\/\//i.test(secret)) return 'contains a URL: copy the secret that Langfuse shows'
  return secret.lastIndexOf('lf-whsec_') > 0
    ? 'contains a secret with something before lf-whsec_: separate secrets with commas'
    : null
}

/** Langfuse's own secrets start with `lf-whsec_`; those of other senders need at least 16 characters. */
const webhookSecretFlaws: ((secret: string) => string | null)[] = [
  (secret) =>
    secret === 'v1'
      ? 'contains a secret that starts with v1, which Langfuse does not issue (its own start with lf-whsec_): copy the one that Langfuse shows'
      : null,
  (secret) => {
    const flaw = textFlaw(secret)
    return flaw === null ? null : `contains a secret that ${flaw}`
  },
  otherThing,
  (secret) => (secret.length < 16 ? 'contains a secret shorter than 16 characters' : null),
]

export const langfuseSecrets = secretsOf(...webhookSecretFlaws)

const withoutBlank = (values: readonly unknown[]): unknown[] =>
  values.filter((one) => one !== undefined && one !== '')

/** The same in `relay.config.ts`: a list, or a text with one or several of them. What is unset is left out. */
export const webhookSecrets = z.preprocess(
  (value) => (typeof value === 'string' ? list(value) : Array.isArray(value) ? withoutBlank(value) : value),
  z
    .array(setting(textOf((secret) => firstOf(webhookSecretFlaws, secret))), {
      error: 'is neither a secret nor a list of them',
    })
    .readonly(),
)
