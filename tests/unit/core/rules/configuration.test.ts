import { describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { buildRoutes, readConfiguration } from '#lib/core/rules/configuration.ts'
import { type BuildRoutes, defineRelay } from '#lib/core/rules/define-relay.ts'
import build from '#relay.config.ts'
import { githubApp } from '../../../mocks/github.ts'
import { pagerdutyKey } from '../../../mocks/pagerduty.ts'
import { webhookSecret } from '../../../mocks/webhook.ts'

const envOf = (variables: Record<string, string>) => {
  const { env, problems } = readEnv(variables)
  if (!env) throw new Error(problems.join(' '))
  return env
}

const writtenTargets = (build: BuildRoutes, variables: Record<string, string>) =>
  readConfiguration(build, variables).written

describe('the targets as written', () => {
  it('name the variables that are missing', () => {
    expect(writtenTargets(build, {})).toMatchObject([
      { name: 'slack', type: 'slack', missing: ['SLACK_WEBHOOK_URL'] },
      { name: 'discord', type: 'discord', missing: ['DISCORD_WEBHOOK_URL'] },
      { name: 'github', type: 'github', missing: ['GITHUB_REPO', 'GITHUB_TOKEN'] },
      { name: 'pagerduty', type: 'pagerduty', missing: ['PAGERDUTY_ROUTING_KEY'] },
      { name: 'webhook', type: 'webhook', missing: ['WEBHOOK_URL', 'WEBHOOK_SECRET'] },
    ])
  })

  const targets = {
    SLACK_WEBHOOK_URL: 'https://a.test/b',
    DISCORD_WEBHOOK_URL: 'https://a.test/d',
    GITHUB_REPO: 'a/b',
    GITHUB_TOKEN: 'c',
    PAGERDUTY_ROUTING_KEY: pagerdutyKey,
    WEBHOOK_URL: 'https://a.test/hook',
    WEBHOOK_SECRET: webhookSecret,
  }
  const missingIn = (variables: Record<string, string>) =>
    writtenTargets(build, variables).flatMap(({ missing }) => missing)

  it('lack nothing where all is set', () => {
    expect(missingIn(targets)).toEqual([])
    expect(Object.keys(buildRoutes(build, envOf(targets)).targets)).toEqual([
      'slack',
      'discord',
      'github',
      'pagerduty',
      'webhook',
    ])
  })

  it('take a GitHub App in place of a token', () => {
    const { GITHUB_TOKEN: _, ...others } = targets
    const app = {
      GITHUB_APP_ID: githubApp.id,
      GITHUB_APP_PRIVATE_KEY: githubApp.privateKey,
      GITHUB_APP_INSTALLATION_ID: githubApp.installationId,
    }
    expect(missingIn({ ...others, ...app })).toEqual([])
    const { github } = buildRoutes(build, envOf({ ...others, ...app })).targets
    expect(github).toMatchObject({ app: { ...githubApp, privateKey: githubApp.privateKey.trim() } })
  })

  it('go by the name of a setting that is more than a variable', () => {
    const odd = defineRelay((env) => ({
      targets: { ops: { type: 'slack', url: env.LANGFUSE_WEBHOOK_SECRET.find(() => false) } },
      rules: [],
    }))
    expect(writtenTargets(odd, {})).toEqual([
      { name: 'ops', type: 'slack', missing: ['targets.ops.url'], settings: ['targets.ops.url'] },
    ])
  })
})
