import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { envNames, readEnv } from '#lib/base/env.ts'
import { problemText } from '#lib/base/problem.ts'
import { readConfiguration } from '#lib/core/rules/config.ts'
import build from '#relay.config.ts'
import { githubApp } from '../../mocks/github.ts'
import { webhookSecret } from '../../mocks/webhook.ts'

const example = parseEnv(readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8'))
const problemsOf = (source: Record<string, string>) =>
  readConfiguration(build, source).problems.map(problemText)

describe('the environment', () => {
  it('is documented in .env.example, variable by variable', () => {
    expect(Object.keys(example).toSorted()).toEqual(envNames.toSorted())
  })

  it('has the defaults that .env.example shows', () => {
    const { env } = readEnv({})
    expect(env).not.toBeNull()
    expect(readEnv(example as Record<string, string>).env).toEqual(env)
  })

  it('takes blank for unset', () => {
    expect(readEnv({ SLACK_WEBHOOK_URL: ' ', DATABASE_URL: '', SETTLE_MS: '' }).env).toEqual(readEnv({}).env)
  })

  it("runs dry in Vercel's previews unless told otherwise, and nowhere else", () => {
    const database = { DATABASE_URL: 'postgres://db/relay' }
    const modeOf = (source: Record<string, string>) => readEnv({ ...database, ...source }).env?.RELAY_MODE
    expect(modeOf({ VERCEL_ENV: 'preview' })).toBe('dry-run')
    expect(modeOf({ VERCEL_ENV: 'preview', RELAY_MODE: 'live' })).toBe('live')
    expect(modeOf({ VERCEL_ENV: 'production' })).toBe('live')
    expect(modeOf({})).toBe('live')
    expect(problemsOf({ RELAY_MODE: 'dry' })).toEqual([expect.stringMatching(/^RELAY_MODE is neither/)])
  })

  it('takes the Postgres of POSTGRES_URL where DATABASE_URL is unset', () => {
    const [one, other] = ['postgres://one@db/relay', 'postgres://other@db/relay']
    expect(readEnv({ DATABASE_URL: ' ', POSTGRES_URL: one }).env?.DATABASE_URL).toBe(one)
    expect(readEnv({ DATABASE_URL: other, POSTGRES_URL: one }).env?.DATABASE_URL).toBe(other)
  })

  it('refuses a file as the store on Vercel, where it would vanish, and takes a Postgres', () => {
    const refused = [expect.stringMatching(/^DATABASE_URL .*Vercel/)]
    expect(problemsOf({ VERCEL: '1' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', DATABASE_URL: '' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', DATABASE_URL: 'file:/tmp/relay.db' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', POSTGRES_URL: 'postgres://one@db/relay' })).toEqual([])
  })

  it('takes several webhook secrets, separated by commas or blanks', () => {
    const { env } = readEnv({
      LANGFUSE_WEBHOOK_SECRET: 'lf-whsec_00000001, lf-whsec_00000002\nlf-whsec_00000003',
    })
    expect(env?.LANGFUSE_WEBHOOK_SECRET).toEqual([
      'lf-whsec_00000001',
      'lf-whsec_00000002',
      'lf-whsec_00000003',
    ])
  })

  it('lists every problem at once, each with its name and an example, and never a value', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://root:hunter2@db',
      SETTLE_MS: 'soon',
      SLACK_WEBHOOK_URL: 'hooks.slack.com/hunter2',
      GITHUB_REPO: 'acme/prompts',
      CRON_SECRET: 'hunter2',
    })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'SLACK_WEBHOOK_URL',
      'SETTLE_MS',
      'CRON_SECRET',
      'GITHUB_TOKEN',
    ])
    expect(problems.every((problem) => problem.includes('Example: '))).toBe(true)
    expect(problems.join(' ')).not.toContain('hunter2')
  })

  it.each([
    ['DATABASE_URL', 'file:', 'is neither'],
    ['LANGFUSE_WEBHOOK_SECRET', 'short', 'shorter than 16'],
    ['SIGNATURE_TOLERANCE_SECONDS', '0', 'below 1'],
    ['SIGNATURE_TOLERANCE_SECONDS', '1.5', 'whole number'],
    ['SIGNATURE_SCHEMES', 'v1,v2', 'knows only'],
    ['SIGNATURE_SCHEMES', ',', 'no scheme'],
    ['PUBLIC_URL', 'javascript:alert(1)', 'not an http(s) URL'],
    ['GITHUB_REPO', 'acme', 'not owner/name'],
    ['PAGERDUTY_ROUTING_KEY', 'x'.repeat(31), 'integration key of 32'],
    ['PAGERDUTY_EVENTS_URL', 'events.pagerduty.com', 'not an http(s) URL'],
    ['WEBHOOK_ALLOW_PRIVATE', 'perhaps', 'neither 1 nor 0'],
    ['SETTLE_MS', '10001', 'above 10000'],
    ['RETRY_DELAYS', '1,x', 'list of seconds'],
    ['RETRY_DELAYS', '-1', 'list of seconds'],
    ['DASHBOARD_PASSWORD', 'short', 'shorter than 8'],
  ])('refuses %s=%s, because it %s', (name, value, why) => {
    const problems = problemsOf({
      [name]: value,
      ...(name === 'GITHUB_REPO' && { GITHUB_TOKEN: 'x' }),
    })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(why)
  })

  const app = {
    GITHUB_REPO: 'acme/prompts',
    GITHUB_APP_ID: githubApp.id,
    GITHUB_APP_PRIVATE_KEY: githubApp.privateKey,
    GITHUB_APP_INSTALLATION_ID: githubApp.installationId,
  }

  it.each([
    ['as it is', githubApp.privateKey],
    ['on one line', githubApp.privateKey.replaceAll('\n', '\\n')],
    ['in base64', Buffer.from(githubApp.privateKey).toString('base64')],
  ])("takes a GitHub App's key %s", (_, GITHUB_APP_PRIVATE_KEY) => {
    const { env, problems } = readEnv({ ...app, GITHUB_APP_PRIVATE_KEY })
    expect(problems).toEqual([])
    expect(env?.GITHUB_APP_PRIVATE_KEY).toBe(githubApp.privateKey.trim())
  })

  it.each([
    ['nothing like a key', 'hunter2hunter2'],
    ['a key that was cut', githubApp.privateKey.slice(0, 400)],
    [
      'a key of another kind',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('refuses %s for a GitHub App, and does not repeat it', (_, GITHUB_APP_PRIVATE_KEY) => {
    const problems = problemsOf({ ...app, GITHUB_APP_PRIVATE_KEY })
    expect(problems).toEqual([expect.stringMatching(/^GITHUB_APP_PRIVATE_KEY is not an RSA private key/)])
    expect(problems[0]).not.toContain(GITHUB_APP_PRIVATE_KEY.slice(-60).trim().split('\n')[0])
  })

  it.each<[string, Record<string, string>, string]>([
    ['a repository alone', { GITHUB_REPO: 'a/b' }, 'GITHUB_TOKEN is not set'],
    [
      'an app without its repository and key',
      { GITHUB_APP_ID: '1', GITHUB_APP_INSTALLATION_ID: '2' },
      'GITHUB_REPO, GITHUB_APP_PRIVATE_KEY is not set',
    ],
    ['a token beside an app', { ...app, GITHUB_TOKEN: 'x' }, 'Keep one'],
    ['a webhook without a secret', { WEBHOOK_URL: 'https://a.test' }, 'WEBHOOK_SECRET is not set'],
    ['a secret without a webhook', { WEBHOOK_SECRET: webhookSecret }, 'WEBHOOK_URL is not set'],
  ])('refuses %s', (_, source, why) => {
    const problems = problemsOf(source)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(why)
  })

  it.each([
    'short',
    `whsec_${'a'.repeat(31)}`,
    `whsec_${'a'.repeat(33)}`,
    `${'a'.repeat(40)}`,
    `whsec_${'-'.repeat(32)}`,
  ])('refuses %s to sign webhooks with', (secret) => {
    const problems = problemsOf({
      WEBHOOK_URL: 'https://a.test',
      WEBHOOK_SECRET: `${webhookSecret} ${secret}`,
    })
    expect(problems).toEqual([expect.stringMatching(/^WEBHOOK_SECRET holds what is not/)])
  })

  it('takes several secrets to sign webhooks with', () => {
    const { env } = readEnv({
      WEBHOOK_URL: 'https://a.test',
      WEBHOOK_SECRET: `${webhookSecret}, ${webhookSecret}`,
    })
    expect(env?.WEBHOOK_SECRET).toEqual([webhookSecret, webhookSecret])
  })
})
