import { describe, expect, it } from 'vitest'
import { defineRelay, writtenTargets } from '#lib/config.ts'
import { readEnv } from '#lib/env.ts'
import build from '#relay.config.ts'

const envOf = (variables: Record<string, string>) => {
  const { env, problems } = readEnv(variables)
  if (!env) throw new Error(problems.join(' '))
  return env
}

describe('the targets as written', () => {
  it('name the variables that they lack', () => {
    expect(writtenTargets(build, envOf({}))).toEqual([
      { name: 'slack', type: 'slack', missing: ['SLACK_WEBHOOK_URL'] },
      { name: 'github', type: 'github', missing: ['GITHUB_REPO', 'GITHUB_TOKEN'] },
    ])
  })

  it('lack nothing where all is set', () => {
    const env = envOf({ SLACK_WEBHOOK_URL: 'https://a.test/b', GITHUB_REPO: 'a/b', GITHUB_TOKEN: 'c' })
    expect(writtenTargets(build, env).flatMap(({ missing }) => missing)).toEqual([])
  })

  it('go by the setting where it is not simply a variable', () => {
    const odd = defineRelay((env) => ({
      targets: { ops: { type: 'slack', url: env.LANGFUSE_WEBHOOK_SECRET.find(() => false) } },
      rules: [],
    }))
    expect(writtenTargets(odd, envOf({}))).toEqual([{ name: 'ops', type: 'slack', missing: ['ops.url'] }])
  })
})
