import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { envNames, readEnv } from '#lib/base/env.ts'
import { problemText } from '#lib/base/problem.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import build from '#relay.config.ts'

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

  it('treats blank as unset', () => {
    expect(readEnv({ SLACK_WEBHOOK_URL: ' ', DATABASE_URL: '', SETTLE_MS: '' }).env).toEqual(readEnv({}).env)
  })

  it("is dry in Vercel's previews unless RELAY_MODE says otherwise, and nowhere else", () => {
    const database = { DATABASE_URL: 'postgres://db/relay' }
    const modeOf = (source: Record<string, string>) => readEnv({ ...database, ...source }).env?.RELAY_MODE
    expect(modeOf({ VERCEL_ENV: 'preview' })).toBe('dry-run')
    expect(modeOf({ VERCEL_ENV: 'preview', RELAY_MODE: 'live' })).toBe('live')
    expect(modeOf({ VERCEL_ENV: 'production' })).toBe('live')
    expect(modeOf({})).toBe('live')
    expect(problemsOf({ RELAY_MODE: 'dry' })).toEqual([expect.stringMatching(/^RELAY_MODE is neither/)])
  })

  it('uses POSTGRES_URL where DATABASE_URL is unset', () => {
    const [one, other] = ['postgres://one@db/relay', 'postgres://other@db/relay']
    expect(readEnv({ DATABASE_URL: ' ', POSTGRES_URL: one }).env?.DATABASE_URL).toBe(one)
    expect(readEnv({ DATABASE_URL: other, POSTGRES_URL: one }).env?.DATABASE_URL).toBe(other)
  })

  it('refuses a file as the store on Vercel, where it would be lost, and accepts a Postgres', () => {
    const refused = [expect.stringMatching(/^DATABASE_URL .*Vercel/)]
    expect(problemsOf({ VERCEL: '1' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', DATABASE_URL: '' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', DATABASE_URL: 'file:/tmp/relay.db' })).toEqual(refused)
    expect(problemsOf({ VERCEL: '1', POSTGRES_URL: 'postgres://one@db/relay' })).toEqual([])
  })

  it('accepts several webhook secrets, separated by commas or white space', () => {
    const { env } = readEnv({
      LANGFUSE_WEBHOOK_SECRET: 'lf-whsec_00000001, lf-whsec_00000002\nlf-whsec_00000003',
    })
    expect(env?.LANGFUSE_WEBHOOK_SECRET).toEqual([
      'lf-whsec_00000001',
      'lf-whsec_00000002',
      'lf-whsec_00000003',
    ])
  })

  it('reports all problems at once, each with its name and an example, and never a value', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://root:hunter2@db',
      SETTLE_MS: 'soon',
      SLACK_WEBHOOK_URL: 'hooks.slack.com/hunter2',
      GITHUB_REPO: 'acme/prompts',
      CRON_SECRET: 'hunter2',
    })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'DATABASE_URL',
      'SETTLE_MS',
      'CRON_SECRET',
      'SLACK_WEBHOOK_URL',
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
    ['SIGNATURE_SCHEMES', 'v1,v2', 'allows only'],
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
})
