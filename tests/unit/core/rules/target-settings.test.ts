import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { problemText } from '#lib/base/problem.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import build from '#relay.config.ts'
import { githubApp } from '../../../mocks/github.ts'
import { webhookSecret } from '../../../mocks/webhook.ts'

const problemsOf = (source: Record<string, string>) =>
  readConfiguration(build, source).problems.map(problemText)

describe('the settings of a target', () => {
  it('name a wrong variable once, also where two targets are made of it', () => {
    const targets = (url: string | undefined) => ({ a: { type: 'slack', url }, b: { type: 'slack', url } })
    const { problems } = readConfiguration(
      ({ SLACK_WEBHOOK_URL }) => ({ targets: targets(SLACK_WEBHOOK_URL), rules: [] }),
      { SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T0/B0/x' },
    )
    expect(problems.map(({ name }) => name)).toEqual(['SLACK_WEBHOOK_URL'])
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
    const { routes, problems } = readConfiguration(build, { ...app, GITHUB_APP_PRIVATE_KEY })
    expect(problems).toEqual([])
    expect(routes.targets.github).toMatchObject({ app: { privateKey: githubApp.privateKey.trim() } })
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
    [
      'the id of an app alone',
      { GITHUB_APP_ID: '1' },
      'GITHUB_REPO, GITHUB_APP_PRIVATE_KEY, GITHUB_APP_INSTALLATION_ID is not set',
    ],
    [
      'a repository with the id of an app',
      { GITHUB_REPO: 'a/b', GITHUB_APP_ID: '1' },
      'GITHUB_APP_PRIVATE_KEY, GITHUB_APP_INSTALLATION_ID is not set',
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
    expect(problems).toEqual([expect.stringMatching(/^WEBHOOK_SECRET contains a secret that is not whsec_/)])
  })

  it('takes several secrets to sign webhooks with', () => {
    const { routes } = readConfiguration(build, {
      WEBHOOK_URL: 'https://a.test',
      WEBHOOK_SECRET: `${webhookSecret}, ${webhookSecret}`,
    })
    expect(routes.targets.webhook).toMatchObject({ secrets: [webhookSecret, webhookSecret] })
  })
})
