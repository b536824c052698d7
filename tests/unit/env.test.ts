import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, it } from 'vitest'
import { envNames, readEnv } from '#lib/env.ts'

const example = parseEnv(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8'))
const problemsOf = (source: Record<string, string>) => readEnv(source).problems

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
