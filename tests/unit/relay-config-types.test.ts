import { describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import { type BuildRoutes, defineRelay } from '#lib/core/rules/define-relay.ts'

const { values: env } = readEnv({})
const slack = { type: 'slack', url: 'https://hooks.example.com/a' } as const

/** Each must not compile, which `npm run typecheck` holds: an error that is not there is one. */
const wrong: Record<string, BuildRoutes> = {
  'a key of a rule that is misspelt': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error labels
    rules: [{ name: 'a', labels: 'production', to: ['slack'] }],
  })),
  'another key of a rule': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error prompts
    rules: [{ name: 'a', prompts: 'a/*', to: ['slack'] }],
  })),
  'a rule with events': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error events
    rules: [{ name: 'a', events: ['alert'], to: ['slack'] }],
  })),
  'a key of a score': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error belo
    rules: [{ name: 'a', score: { belo: 1 }, to: ['slack'] }],
  })),
  'a key of the file': defineRelay(() => ({
    targets: { slack },
    rules: [{ name: 'a', to: ['slack'] }],
    // @ts-expect-error alertTaget
    alertTaget: 'slack',
  })),
  'a setting of a target': defineRelay(() => ({
    // @ts-expect-error perSecnd
    targets: { slack: { type: 'slack', url: 'https://hooks.example.com/a', perSecnd: 1 } },
    rules: [],
  })),
  'a setting of another kind of target': defineRelay(() => ({
    // @ts-expect-error routingKey
    targets: { slack: { type: 'slack', url: 'https://hooks.example.com/a', routingKey: 'x' } },
    rules: [],
  })),
  'a key of a GitHub App': defineRelay(() => ({
    targets: {
      github: {
        type: 'github',
        repo: 'acme/prompts',
        // @ts-expect-error installation
        app: { id: '1', privateKey: env.GITHUB_APP_PRIVATE_KEY, installationId: '2', installation: '2' },
      },
    },
    rules: [],
  })),
  'a pace that is a text': defineRelay(() => ({
    // @ts-expect-error a number
    targets: { slack: { type: 'slack', url: 'https://hooks.example.com/a', perSecond: '1' } },
    rules: [],
  })),
  'a target without its URL': defineRelay(() => ({
    // @ts-expect-error url
    targets: { slack: { type: 'webhook', url: 'https://hooks.example.com/a', secrets: 7 } },
    rules: [],
  })),
  'an unknown kind of target': defineRelay(() => ({
    // @ts-expect-error slak
    targets: { slack: { type: 'slak', url: 'https://hooks.example.com/a' } },
    rules: [],
  })),
  'an unknown word': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error promotd
    rules: [{ name: 'a', on: ['promotd'], to: ['slack'] }],
  })),
  'a rule to no target': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error empty
    rules: [{ name: 'a', to: [] }],
  })),
  'a rule without a name': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error name
    rules: [{ to: ['slack'] }],
  })),
  'a key of a project that is misspelt': defineRelay(() => ({
    // @ts-expect-error publickKey
    projects: { support: { publickKey: 'pk-lf-a', secretKey: 'sk-lf-a' } },
    targets: { slack },
    rules: [],
  })),
  'another key of a project': defineRelay(() => ({
    // @ts-expect-error environment
    projects: { support: { environment: 'production' } },
    targets: { slack },
    rules: [],
  })),
  'a secret of a project that is a number': defineRelay(() => ({
    // @ts-expect-error a number
    projects: { support: { webhookSecrets: 7 } },
    targets: { slack },
    rules: [],
  })),
  'a clause of another type': defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error a number
    rules: [{ name: 'a', latencyAbove: '5', to: ['slack'] }],
  })),
}

/** Does not compile either, but is a warning only: nothing is sent by it. */
const unknownNames: BuildRoutes[] = [
  defineRelay(() => ({
    targets: { slack },
    // @ts-expect-error slak
    rules: [{ name: 'a', to: ['slak'] }],
  })),
  defineRelay(() => ({
    targets: { slack },
    rules: [{ name: 'a', to: ['slack'] }],
    // @ts-expect-error ops
    alertTarget: 'ops',
  })),
]

const right = defineRelay((given, variable) => ({
  projects: {
    support: {
      id: variable('SUPPORT_PROJECT_ID'),
      publicKey: variable('SUPPORT_PUBLIC_KEY'),
      secretKey: variable('SUPPORT_SECRET_KEY'),
      baseUrl: given.LANGFUSE_BASE_URL,
      webUrl: 'https://langfuse.example.com',
      webhookSecrets: [variable('SUPPORT_SECRET_A'), ...given.LANGFUSE_WEBHOOK_SECRET],
    },
    sales: { webhookSecrets: variable('SALES_SECRETS') },
  },
  targets: {
    slack: { type: 'slack', url: given.SLACK_WEBHOOK_URL, perSecond: given.SLACK_PER_SECOND },
    support: { type: 'slack', url: variable('SLACK_SUPPORT_URL'), retryDelays: [0, 5] },
    github: { type: 'github', repo: given.GITHUB_REPO, token: variable('OTHER_TOKEN') },
    hook: {
      type: 'webhook',
      url: variable('HOOK_URL'),
      secrets: given.WEBHOOK_SECRET,
      headers: { authorization: variable('HOOK_PASSWORD') },
    },
  },
  rules: [
    { name: 'a', on: ['promoted', 'prompt.created'], label: ['production', 'eu'], to: ['slack', 'hook'] },
    { name: 'b', score: { name: 'x', below: 1 }, costAbove: 0.5, to: ['support'] },
  ],
  alertTarget: ['slack', 'support'],
}))

describe('the compiler', () => {
  it.each(Object.entries(wrong))('refuses %s, as does the relay when it starts', (_, build) => {
    expect(readConfiguration(build, {}).problems).not.toEqual([])
  })

  it('refuses names of targets that are not there, of which the relay only warns', () => {
    for (const build of unknownNames) expect(readConfiguration(build, {}).warnings).toHaveLength(1)
  })

  it('lets through what is right, as does the relay', () => {
    const { problems, warnings } = readConfiguration(right, {})
    expect([problems, warnings]).toEqual([[], []])
  })
})
