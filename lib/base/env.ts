import { z } from 'zod'
import { nearest, type Problem } from './problem.ts'
import {
  databaseUrl,
  delayList,
  flag,
  headerName,
  headerNames,
  langfusePublicKey,
  langfuseSecretKey,
  langfuseSecrets,
  langfuseUrl,
  list,
  numberFrom,
  optional,
  origins,
  ownToken,
  password,
  projectId,
  publicUrl,
  wholeFrom,
} from './setting-values.ts'
import { cleaned } from './text-flaws.ts'

const passwordExample = 'a long sentence that only your team knows'

/** A target's setting: the target's own schema checks it, where `relay.config.ts` uses it. */
const ofTarget = optional(z.string().optional())
const ofTargetOr = (preset: string) => optional(z.string().default(preset))

/** Each variable: what it must be, and the example shown with a problem and in `.env.example`. */
const variables = {
  DATABASE_URL: {
    schema: optional(databaseUrl.default('file:./data/prompt-relay.db')),
    example: 'postgres://user:password@host:5432/prompt_relay',
  },
  LANGFUSE_WEBHOOK_SECRET: {
    schema: langfuseSecrets,
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
            .array(z.enum(['v1', 'bare'], { error: 'allows only v1 and bare' }))
            .min(1, { error: 'names no scheme' }),
        ),
    ),
    example: 'v1',
  },
  LANGFUSE_BASE_URL: {
    schema: optional(langfuseUrl.default('https://cloud.langfuse.com')),
    example: 'https://cloud.langfuse.com',
  },
  LANGFUSE_PUBLIC_KEY: { schema: langfusePublicKey, example: 'pk-lf-…' },
  LANGFUSE_SECRET_KEY: { schema: langfuseSecretKey, example: 'sk-lf-…' },
  LANGFUSE_PROJECT_ID: { schema: optional(projectId.optional()), example: 'cm0abc123def456ghi789jkl0' },
  LANGFUSE_ORIGINS: { schema: origins, example: 'https://langfuse.example.com' },
  CALLBACK_TOKEN: { schema: ownToken(16), example: 'openssl rand -hex 32' },
  CALLBACK_TOKEN_HEADER: { schema: headerName('authorization'), example: 'x-relay-token' },
  CALLBACK_OPEN: { schema: flag(), example: '1' },
  CALLBACK_HEADERS: { schema: headerNames, example: 'x-team,x-request-id' },
  POLL_SECONDS: { schema: wholeFrom(60, 0, 86_400), example: '60' },
  POLL_REQUESTS_PER_MINUTE: { schema: wholeFrom(20, 1, 1000), example: '20' },
  BACKFILL_HOURS: { schema: numberFrom(24, 0.5, 720), example: '24' },
  BURST_MINUTES: { schema: numberFrom(5, 0, 1440), example: '5' },
  PUBLIC_URL: { schema: optional(publicUrl.optional()), example: 'https://relay.example.com' },
  SLACK_WEBHOOK_URL: {
    schema: ofTarget,
    example: 'https://hooks.slack.com/services/T000/B000/XXXX',
  },
  SLACK_PER_SECOND: { schema: numberFrom(1, 0, 1000), example: '1' },
  DISCORD_WEBHOOK_URL: {
    schema: ofTarget,
    example: 'https://discord.com/api/webhooks/123456789012345678/XXXX',
  },
  GITHUB_REPO: {
    schema: ofTarget,
    example: 'acme/prompts',
  },
  GITHUB_TOKEN: { schema: ofTarget, example: 'github_pat_…' },
  GITHUB_APP_ID: {
    schema: ofTarget,
    example: '123456',
  },
  GITHUB_APP_PRIVATE_KEY: {
    schema: ofTarget,
    example: '-----BEGIN RSA PRIVATE KEY-----\\n…\\n-----END RSA PRIVATE KEY-----',
  },
  GITHUB_APP_INSTALLATION_ID: {
    schema: ofTarget,
    example: '12345678',
  },
  GITHUB_API_URL: {
    schema: ofTargetOr('https://api.github.com'),
    example: 'https://github.example.com/api/v3',
  },
  GITHUB_EVENT_TYPE: {
    schema: ofTargetOr('prompt-updated'),
    example: 'prompt-updated',
  },
  PAGERDUTY_ROUTING_KEY: {
    schema: ofTarget,
    example: '<32 letters and digits, from an Events API v2 integration>',
  },
  PAGERDUTY_EVENTS_URL: {
    schema: ofTargetOr('https://events.pagerduty.com'),
    example: 'https://events.eu.pagerduty.com',
  },
  WEBHOOK_URL: { schema: ofTarget, example: 'https://hooks.example.com/prompts' },
  WEBHOOK_SECRET: {
    schema: ofTarget,
    example: 'echo whsec_$(openssl rand -base64 32)',
  },
  WEBHOOK_ALLOW_PRIVATE: { schema: flag(), example: '1' },
  DIRECT_ENDPOINTS: { schema: flag('1'), example: '0' },
  SETTLE_MS: { schema: wholeFrom(2000, 0, 10_000), example: '2000' },
  RETRY_DELAYS: { schema: delayList, example: '0,5,30,120,600' },
  RELAY_MODE: {
    schema: optional(z.enum(['live', 'dry-run'], { error: 'is neither live nor dry-run' }).default('live')),
    example: 'dry-run',
  },
  RECONCILE_SECONDS: { schema: wholeFrom(300, 0, 86_400), example: '300' },
  RECONCILE_GRACE_SECONDS: { schema: wholeFrom(120, 0, 3600), example: '120' },
  QUIET_HOURS: { schema: numberFrom(24, 0, 720), example: '24' },
  METRICS_TOKEN: { schema: ownToken(16), example: 'openssl rand -hex 32' },
  RETENTION_DAYS: { schema: wholeFrom(90, 1, 3650), example: '90' },
  DASHBOARD_PASSWORD: { schema: password(8, passwordExample), example: passwordExample },
  CRON_SECRET: { schema: ownToken(16), example: 'openssl rand -hex 32' },
} satisfies Record<string, { schema: z.ZodType; example: string }>

type Variables = typeof variables
export type Env = { [Name in keyof Variables]: z.output<Variables[Name]['schema']> }
export type EnvName = keyof Variables

export const envNames = Object.keys(variables) as EnvName[]

export type Source = Record<string, string | undefined>

/** The environment, as far as it is usable. */
export interface Reading {
  /** Null if the settings of the store or the webhook's secret are wrong: then no event can be accepted. */
  env: Env | null
  /** Always all of it, with the default for what has a problem. */
  values: Env
  /** While there is one, nothing settles and nothing is sent. */
  problems: Problem[]
  /** What may be wrong. Warnings stop nothing. */
  warnings: Problem[]
}

/** Without these, events can be neither verified nor stored. */
const vital: readonly string[] = ['DATABASE_URL', 'POSTGRES_URL', 'LANGFUSE_WEBHOOK_SECRET'] satisfies (
  | EnvName
  | 'POSTGRES_URL'
)[]

/** Replaces a value that is wrong, where the default would allow more than was asked for. */
const instead: Partial<Record<EnvName, string>> = { SIGNATURE_SCHEMES: 'v1', DIRECT_ENDPOINTS: '0' }

/** What a variable must be, for docs/configuration.md. */
export const variableOf = (name: EnvName): { schema: z.ZodType; example: string } => variables[name]

const exampleOf = (name: EnvName): string => `Example: ${variables[name].example}`

const isEnvName = (name: string): name is EnvName => Object.hasOwn(variables, name)

/** The examples of these variables; for anything else, a general sentence. */
export function fixOf(...names: string[]): string {
  const examples = names.filter(isEnvName).map((name) => variables[name].example)
  return examples.length > 0 ? `Example: ${examples.join(', ')}` : 'Correct it there.'
}

const isSet = (source: Source, name: string): boolean => cleaned(source[name] ?? '') !== ''

function keysProblem(source: Source): Problem[] {
  const keys = ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'] as const
  const missing = keys.filter((name) => !isSet(source, name))
  const [name] = missing
  if (name === undefined || missing.length === keys.length) return []
  return [{ name, what: "is not set: Langfuse's API needs both keys", fix: exampleOf(name) }]
}

const noDisk: Problem = {
  name: 'DATABASE_URL',
  what: 'is not a Postgres URL: on Vercel a file is lost when the function ends, and accepted events with it. Add a Postgres to the project (Storage), or set its URL',
  fix: exampleOf('DATABASE_URL'),
}

/** Node sends everything through the proxy that these variables name. */
function proxyProblems(source: Source): Problem[] {
  return ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].flatMap((name) => {
    const value = cleaned(source[name] ?? '')
    if (value === '' || (/^https?:\/\//i.test(value) && URL.canParse(value))) return []
    return [{ name, what: 'is not an http(s) URL', fix: 'Example: http://proxy.example.com:3128' }]
  })
}

/** What Langfuse's own libraries call a variable that has another name here. */
const otherNames = new Map<string, EnvName>([
  ['LANGFUSE_HOST', 'LANGFUSE_BASE_URL'],
  ['LANGFUSE_BASEURL', 'LANGFUSE_BASE_URL'],
])

/** Variables that are set and whose name resembles one that is not. `read`: what `relay.config.ts` reads itself. */
export function misspelt(source: Source, read: readonly string[] = []): Problem[] {
  const named: readonly string[] = [...envNames, ...read]
  const unset = named.filter((name) => !isSet(source, name))
  const known = [...named, 'POSTGRES_URL']
  return Object.keys(source).flatMap((name) => {
    if (known.includes(name) || !isSet(source, name)) return []
    const other = otherNames.get(name)
    const meant = (other && unset.includes(other) ? other : null) ?? nearest(name, unset)
    if (meant === null) return []
    return [{ name, what: `is not read, and ${meant} is not set`, fix: `Did you mean ${meant}?` }]
  })
}

/**
 * The environment as far as it is usable, and every problem with it: the name, what is wrong, and an example. A problem
 * never contains a value.
 */
export function readEnv(source: Source): Reading {
  const problems: Problem[] = []
  const values: Record<string, unknown> = {}
  const isPostgresUrl = !isSet(source, 'DATABASE_URL') && isSet(source, 'POSTGRES_URL')
  const given: Source = {
    ...source,
    // Vercel's marketplace sets this name.
    ...(isPostgresUrl && { DATABASE_URL: source.POSTGRES_URL }),
    // A preview tries the code out, with production's targets.
    ...(!isSet(source, 'RELAY_MODE') && source.VERCEL_ENV === 'preview' && { RELAY_MODE: 'dry-run' }),
  }
  for (const name of envNames) {
    const { schema } = variables[name]
    const parsed = schema.safeParse(given[name])
    values[name] = parsed.success ? parsed.data : schema.parse(instead[name])
    if (parsed.success) continue
    const called = name === 'DATABASE_URL' && isPostgresUrl ? 'POSTGRES_URL' : name
    problems.push({ name: called, what: parsed.error.issues[0]?.message ?? 'is wrong', fix: exampleOf(name) })
  }
  problems.push(...keysProblem(source), ...proxyProblems(source))
  if (source.VERCEL && /^(file:|$)/.test(cleaned(given.DATABASE_URL ?? ''))) problems.push(noDisk)
  const isUsable = !problems.some(({ name }) => vital.includes(name))
  return {
    env: isUsable ? (values as Env) : null,
    values: values as Env,
    problems,
    warnings: misspelt(source),
  }
}

/** The origins whose pages may send callbacks; by default, those of Langfuse. */
export const allowedOrigins = ({
  LANGFUSE_ORIGINS,
  LANGFUSE_BASE_URL,
}: Pick<Env, 'LANGFUSE_ORIGINS' | 'LANGFUSE_BASE_URL'>): string[] =>
  LANGFUSE_ORIGINS ?? [new URL(LANGFUSE_BASE_URL).origin]
