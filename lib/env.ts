import { z } from 'zod'

const list = (value: string): string[] => value.split(/[\s,]+/).filter((part) => part !== '')

/** Blank means unset: hosting panels keep empty variables around. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' && value.trim() === '' ? undefined : value), schema)

const httpUrl = z.url({ protocol: /^https?$/, error: 'is not an http(s) URL' })

const numberFrom = (fallback: number, min: number, max: number) =>
  optional(
    z.coerce
      .number({ error: 'is not a number' })
      .min(min, { error: `is below ${min}` })
      .max(max, { error: `is above ${max}` })
      .default(fallback),
  )

const wholeFrom = (fallback: number, min: number, max: number) =>
  numberFrom(fallback, min, max).refine(Number.isInteger, { error: 'is not a whole number' })

const secretOf = (min: number) =>
  z
    .string()
    .min(min, { error: `is shorter than ${min} characters` })
    .optional()

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
    schema: optional(
      z
        .string()
        .default('')
        .transform(list)
        .refine((secrets) => secrets.every((secret) => secret.length >= 16), {
          error: 'holds a secret shorter than 16 characters',
        }),
    ),
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
  PUBLIC_URL: { schema: optional(httpUrl.optional()), example: 'https://relay.example.com' },
  SLACK_WEBHOOK_URL: {
    schema: optional(httpUrl.optional()),
    example: 'https://hooks.slack.com/services/T000/B000/XXXX',
  },
  SLACK_PER_SECOND: { schema: numberFrom(1, 0, 1000), example: '1' },
  GITHUB_REPO: {
    schema: optional(
      z
        .string()
        .regex(/^[\w.-]+\/[\w.-]+$/, { error: 'is not owner/name' })
        .optional(),
    ),
    example: 'acme/prompts',
  },
  GITHUB_TOKEN: { schema: optional(z.string().optional()), example: 'github_pat_…' },
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
  RETENTION_DAYS: { schema: wholeFrom(90, 1, 3650), example: '90' },
  DASHBOARD_PASSWORD: { schema: optional(secretOf(8)), example: 'a long sentence that only your team knows' },
  CRON_SECRET: { schema: optional(secretOf(16)), example: 'openssl rand -hex 32' },
} satisfies Record<string, { schema: z.ZodType; example: string }>

type Variables = typeof variables
export type Env = { [Name in keyof Variables]: z.output<Variables[Name]['schema']> }
export type EnvName = keyof Variables

export const envNames = Object.keys(variables) as EnvName[]

const together: { names: EnvName[]; why: string }[] = [
  { names: ['GITHUB_REPO', 'GITHUB_TOKEN'], why: 'a dispatch needs both the repository and a token for it' },
  { names: ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'], why: "Langfuse's API needs both keys" },
]

/** The whole environment, or every problem with it: the name, what is wrong, and an example. Never a value. */
export function readEnv(
  source: Record<string, string | undefined>,
): { env: Env; problems: [] } | { env: null; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const name of envNames) {
    const { schema, example } = variables[name]
    const parsed = schema.safeParse(source[name])
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} ${parsed.error.issues[0]?.message ?? 'is wrong'}. Example: ${example}`)
  }
  for (const { names, why } of together) {
    const missing = names.filter((name) => !source[name]?.trim())
    if (missing.length > 0 && missing.length < names.length) {
      const example = missing.map((name) => variables[name].example).join(', ')
      problems.push(`${missing.join(', ')} is not set: ${why}. Example: ${example}`)
    }
  }
  return problems.length > 0 ? { env: null, problems } : { env: values as Env, problems: [] }
}
