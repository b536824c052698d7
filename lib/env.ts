import { z } from 'zod'
import {
  flag,
  headerName,
  headerNames,
  httpUrl,
  list,
  matching,
  numberFrom,
  optional,
  origins,
  rsaKey,
  secretOf,
  secretsLike,
  wholeFrom,
} from './env-values.ts'

/** One entry a variable: what it must be, and the example shown beside a problem and in `.env.example`. */
const variables = {
  DATABASE_URL: {
    schema: optional(
      z
        .string()
        .regex(/^(file:.+|postgres(ql)?:\/\/.+)/, { error: 'is neither file:<path> nor postgres://…' })
        .default('file:./data/prompt-relay.db'),
    ),
    example: 'postgres://user:password@host:5432/prompt_relay',
  },
  LANGFUSE_WEBHOOK_SECRET: {
    schema: secretsLike(/.{16,}/, 'holds a secret shorter than 16 characters'),
    example: 'lf-whsec_<64 hex digits, shown once by Langfuse>',
  },
  SIGNATURE_TOLERANCE_SECONDS: { schema: wholeFrom(300, 1, 86_400), example: '300' },
  SIGNATURE_SCHEMES: {
    schema: optional(
      z
        .string()
        .default('v1,bare')
        .transform(list)
        .pipe(
          z
            .array(z.enum(['v1', 'bare'], { error: 'knows only v1 and bare' }))
            .min(1, { error: 'names no scheme' }),
        ),
    ),
    example: 'v1',
  },
  LANGFUSE_BASE_URL: {
    schema: optional(httpUrl.default('https://cloud.langfuse.com')),
    example: 'https://cloud.langfuse.com',
  },
  LANGFUSE_PUBLIC_KEY: { schema: optional(z.string().optional()), example: 'pk-lf-…' },
  LANGFUSE_SECRET_KEY: { schema: optional(z.string().optional()), example: 'sk-lf-…' },
  LANGFUSE_ORIGINS: { schema: origins, example: 'https://langfuse.example.com' },
  CALLBACK_TOKEN: { schema: optional(secretOf(16)), example: 'openssl rand -hex 32' },
  CALLBACK_TOKEN_HEADER: { schema: headerName('authorization'), example: 'x-relay-token' },
  CALLBACK_OPEN: { schema: flag(), example: '1' },
  CALLBACK_HEADERS: { schema: headerNames, example: 'x-team,x-request-id' },
  POLL_SECONDS: { schema: wholeFrom(60, 0, 86_400), example: '60' },
  POLL_REQUESTS_PER_MINUTE: { schema: wholeFrom(20, 1, 1000), example: '20' },
  BACKFILL_HOURS: { schema: numberFrom(24, 0.5, 720), example: '24' },
  BURST_MINUTES: { schema: numberFrom(5, 0, 1440), example: '5' },
  PUBLIC_URL: { schema: optional(httpUrl.optional()), example: 'https://relay.example.com' },
  SLACK_WEBHOOK_URL: {
    schema: optional(httpUrl.optional()),
    example: 'https://hooks.slack.com/services/T000/B000/XXXX',
  },
  SLACK_PER_SECOND: { schema: numberFrom(1, 0, 1000), example: '1' },
  GITHUB_REPO: {
    schema: matching(/^[\w.-]+\/[\w.-]+$/, 'is not owner/name'),
    example: 'acme/prompts',
  },
  GITHUB_TOKEN: { schema: optional(z.string().optional()), example: 'github_pat_…' },
  GITHUB_APP_ID: {
    schema: matching(/^[\w.-]+$/, 'is not the id of an app'),
    example: '123456',
  },
  GITHUB_APP_PRIVATE_KEY: {
    schema: rsaKey,
    example: '-----BEGIN RSA PRIVATE KEY-----\\n…\\n-----END RSA PRIVATE KEY-----',
  },
  GITHUB_APP_INSTALLATION_ID: {
    schema: matching(/^\d+$/, 'is not a number'),
    example: '12345678',
  },
  GITHUB_API_URL: {
    schema: optional(httpUrl.default('https://api.github.com')),
    example: 'https://github.example.com/api/v3',
  },
  GITHUB_EVENT_TYPE: {
    schema: optional(
      z.string().max(100, { error: 'is longer than 100 characters' }).default('prompt-updated'),
    ),
    example: 'prompt-updated',
  },
  PAGERDUTY_ROUTING_KEY: {
    schema: matching(/^[A-Za-z0-9]{32}$/, 'is not an integration key of 32 letters and digits'),
    example: '<32 letters and digits, from an Events API v2 integration>',
  },
  PAGERDUTY_EVENTS_URL: {
    schema: optional(httpUrl.default('https://events.pagerduty.com')),
    example: 'https://events.eu.pagerduty.com',
  },
  WEBHOOK_URL: { schema: optional(httpUrl.optional()), example: 'https://hooks.example.com/prompts' },
  WEBHOOK_SECRET: {
    schema: secretsLike(
      /^whsec_([A-Za-z0-9+/]{4}){8,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
      'holds what is not whsec_ and the base64 of 24 bytes or more',
    ),
    example: 'echo whsec_$(openssl rand -base64 32)',
  },
  WEBHOOK_ALLOW_PRIVATE: { schema: flag(), example: '1' },
  SETTLE_MS: { schema: wholeFrom(2000, 0, 10_000), example: '2000' },
  RETRY_DELAYS: {
    schema: optional(
      z
        .string()
        .optional()
        .transform((value) => (value === undefined ? undefined : list(value).map(Number)))
        .refine((delays) => delays === undefined || (delays.length > 0 && delays.every((d) => d >= 0)), {
          error: 'is not a list of seconds',
        }),
    ),
    example: '0,5,30,120,600',
  },
  RELAY_MODE: {
    schema: optional(z.enum(['live', 'dry-run'], { error: 'is neither live nor dry-run' }).default('live')),
    example: 'dry-run',
  },
  QUIET_HOURS: { schema: numberFrom(24, 0, 720), example: '24' },
  METRICS_TOKEN: { schema: optional(secretOf(16)), example: 'openssl rand -hex 32' },
  RETENTION_DAYS: { schema: wholeFrom(90, 1, 3650), example: '90' },
  DASHBOARD_PASSWORD: { schema: optional(secretOf(8)), example: 'a long sentence that only your team knows' },
  CRON_SECRET: { schema: optional(secretOf(16)), example: 'openssl rand -hex 32' },
} satisfies Record<string, { schema: z.ZodType; example: string }>

type Variables = typeof variables
export type Env = { [Name in keyof Variables]: z.output<Variables[Name]['schema']> }
export type EnvName = keyof Variables

export const envNames = Object.keys(variables) as EnvName[]

type Source = Record<string, string | undefined>

const githubApp: EnvName[] = ['GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY', 'GITHUB_APP_INSTALLATION_ID']

function together(isSet: (name: EnvName) => boolean): { names: EnvName[]; why: string }[] {
  const github: { names: EnvName[]; why: string } = githubApp.some(isSet)
    ? { names: ['GITHUB_REPO', ...githubApp], why: 'a GitHub App is known by its id, key and installation' }
    : {
        names: ['GITHUB_REPO', 'GITHUB_TOKEN'],
        why: 'a dispatch needs both the repository and a token (or a GitHub App) for it',
      }
  return [
    github,
    { names: ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'], why: "Langfuse's API needs both keys" },
    { names: ['WEBHOOK_URL', 'WEBHOOK_SECRET'], why: 'a webhook is never sent unsigned' },
  ]
}

/** What of the variables does not go together; a sentence each. */
function conflicts(source: Source): string[] {
  const isSet = (name: EnvName): boolean => Boolean(source[name]?.trim())
  const partial = together(isSet).flatMap(({ names, why }) => {
    const missing = names.filter((name) => !isSet(name))
    if (missing.length === 0 || missing.length === names.length) return []
    const example = missing.map((name) => variables[name].example).join(', ')
    return [`${missing.join(', ')} is not set: ${why}. Example: ${example}`]
  })
  const both = isSet('GITHUB_TOKEN') && githubApp.some(isSet)
  const ways =
    'GITHUB_TOKEN and a GitHub App (GITHUB_APP_…) are both set: they are two ways to the same. Keep one.'
  return both ? [...partial, ways] : partial
}

const noDisk = `DATABASE_URL is not set to a Postgres: on Vercel a file vanishes with the function, and with it what was accepted. Add a Postgres to the project (Storage), or set it. Example: ${variables.DATABASE_URL.example}`

/** The whole environment, or every problem with it: the name, what is wrong, and an example. Never a value. */
export function readEnv(source: Source): { env: Env; problems: [] } | { env: null; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  // What a Postgres of Vercel's marketplace is called there.
  const given: Source = {
    ...source,
    DATABASE_URL: source.DATABASE_URL?.trim() || source.POSTGRES_URL,
    // A preview is a try of the code; its readers are those of production.
    RELAY_MODE: source.RELAY_MODE?.trim() || (source.VERCEL_ENV === 'preview' ? 'dry-run' : undefined),
  }
  for (const name of envNames) {
    const { schema, example } = variables[name]
    const parsed = schema.safeParse(given[name])
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} ${parsed.error.issues[0]?.message ?? 'is wrong'}. Example: ${example}`)
  }
  problems.push(...conflicts(source))
  if (source.VERCEL && /^(file:|$)/.test(given.DATABASE_URL ?? '')) problems.push(noDisk)
  return problems.length > 0 ? { env: null, problems } : { env: values as Env, problems: [] }
}
