import { describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { addToBurst } from '#lib/core/change/burst.ts'
import { emptyDetail, type Fact } from '#lib/core/change/change.ts'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import { buildRoutes, readConfiguration } from '#lib/core/rules/configuration.ts'
import { defineRelay } from '#lib/core/rules/define-relay.ts'
import { leftOut, matchRule, type Routes, type Rule, route } from '#lib/core/rules/rules.ts'
import standard from '#relay.config.ts'
import { scoreRow, traceRow } from '../../observed-rows.ts'

const promoted: Fact = { kind: 'promoted', label: 'production', from: 6, to: 7 }
const staged: Fact = { kind: 'promoted', label: 'staging', from: 5, to: 7 }
const created: Fact = { kind: 'version-created', version: 7, labels: ['latest', 'production'] }
const tagged: Fact = { kind: 'tags-changed', added: ['x'], removed: [] }

const change = (facts: Fact[], over: object = {}) => ({
  kind: facts[0]?.kind ?? ('unchanged' as const),
  projectId: 'p1',
  subject: 'support/refund-reply',
  actor: 'Maya',
  detail: { ...emptyDetail, facts, prompt: { tags: ['support'] } },
  ...over,
})

const rule = (over: Partial<Rule>): Rule => ({ name: 'r', to: ['slack'], ...over })
const verdict = (over: Partial<Rule>, facts: Fact[], changed: object = {}) => {
  const result = matchRule(rule(over), change(facts, changed))
  return 'fact' in result ? result.fact.kind : result.clause
}

describe('a rule with a project', () => {
  it.each<[string, Partial<Rule>, object, string]>([
    ['matches its id', { project: 'p1' }, {}, 'promoted'],
    ["matches the operator's name for it", { project: 'support' }, { projectName: 'support' }, 'promoted'],
    ['matches its id, where it has a name', { project: 'p1' }, { projectName: 'support' }, 'promoted'],
    ['matches no other name', { project: 'sales' }, { projectName: 'support' }, 'project is not sales'],
    ['matches no name of a project without one', { project: 'support' }, {}, 'project is not support'],
  ])('%s', (_, clauses, changed, result) => {
    expect(verdict(clauses, [promoted], changed)).toBe(result)
  })
})

describe('a rule with an author', () => {
  const both: Fact[] = [promoted, { kind: 'label-added', label: 'canary', to: 6, by: 'Jo' }]

  it.each<[string, Partial<Rule>, string]>([
    ['matches the fact by its author', { author: 'Jo' }, 'label-added'],
    ["holds for the change's own author", { author: 'Maya' }, 'promoted'],
    ['does not match a fact of someone else', { author: 'Jo', on: ['promoted'] }, 'author is not Jo'],
    ['does not match a third person', { author: 'Ann' }, 'author is not Ann'],
  ])('%s', (_, clauses, result) => {
    expect(verdict(clauses, both)).toBe(result)
  })

  it('does not match what an edit only revealed', () => {
    expect(verdict({ author: 'Maya' }, [{ ...promoted, revealed: true } as Fact])).toBe('author is not Maya')
  })
})

describe('a rule', () => {
  it.each<[string, Partial<Rule>, Fact[], string]>([
    ['without clauses matches every visible change', {}, [tagged], 'tags-changed'],
    [
      'without clauses does not want what shows nothing',
      {},
      [{ kind: 'unchanged' }],
      'nothing visible changed',
    ],
    ['matches a fact by kind', { on: ['promoted'] }, [created, promoted], 'promoted'],
    ['says which kind it is for', { on: ['deleted'] }, [promoted], 'promoted is not deleted'],
    ['takes the event names of tutorials', { on: ['prompt.updated'] }, [tagged], 'tags-changed'],
    ['takes prompt.created for a new version', { on: ['prompt.created'] }, [created], 'version-created'],
    [
      'takes transitions, not states',
      { on: ['promoted'], label: 'production' },
      [tagged],
      'tags-changed is not promoted',
    ],
    [
      'picks the fact of its label',
      { on: ['promoted'], label: 'production' },
      [staged, promoted],
      'promoted',
    ],
    [
      'says which label it is for',
      { label: ['production', 'eu'] },
      [staged],
      'label is not production or eu',
    ],
    ['matches folders by glob', { prompt: 'support/**' }, [promoted], 'promoted'],
    ['does not match across folders with one star', { prompt: '*' }, [promoted], 'prompt is not *'],
    ['matches a project', { project: ['p0', 'p2'] }, [promoted], 'project is not p0 or p2'],
    ['matches a tag', { tags: 'billing' }, [promoted], 'no tag billing'],
    ['matches an author', { author: 'Ann' }, [promoted], 'author is not Ann'],
    ['matches an environment', { environment: 'production' }, [promoted], 'environment is not production'],
  ])('%s', (_, over, facts, expected) => {
    expect(verdict(over, facts)).toBe(expected)
  })

  it('reports the fact with the label, not just one of the kind', () => {
    const result = matchRule(rule({ on: ['promoted'], label: 'production' }), change([staged, promoted]))
    expect(result).toEqual({ fact: promoted })
  })
})

describe('routing', () => {
  const target = { type: 'slack', url: 'https://x.example' } as const
  const routes = (rules: Rule[]): Routes => ({
    targets: { slack: target, ops: target },
    rules,
    alertTargets: [],
  })

  it('notifies each target once, by the first rule that matches', () => {
    const rules = [rule({ name: 'a' }), rule({ name: 'b', to: ['slack', 'ops'] })]
    const { routed, skipped } = route(routes(rules), change([promoted]))
    expect(routed.map(({ target: name, rule: by }) => [name, by])).toEqual([
      ['slack', 'a'],
      ['ops', 'b'],
    ])
    expect(skipped).toEqual([])
  })

  it('keeps why a target is not notified: every rule and its clause', () => {
    const rules = [rule({ name: 'a', label: 'x' }), rule({ name: 'b', on: ['deleted'] })]
    expect(route(routes(rules), change([promoted])).skipped).toEqual([
      { target: 'slack', why: 'a: label is not x; b: promoted is not deleted' },
      { target: 'ops', why: 'no rule names this target' },
    ])
  })

  const own = (fact: Fact) => route({ ...routes([]), alertTargets: ['slack', 'ops', 'gone'] }, change([fact]))
  const toldOf = (fact: Fact) => own(fact).routed.map(({ target: name }) => name)

  it('notifies each alert target of a trouble, except the target in trouble', () => {
    expect(toldOf({ kind: 'given-up', target: 'slack', count: 1 })).toEqual(['ops'])
    expect(toldOf({ kind: 'trouble', what: 'target', target: 'ops', since: 0 })).toEqual(['slack'])
    expect(toldOf({ kind: 'trouble', what: 'quiet', target: null, since: 0 })).toEqual(['slack', 'ops'])
  })
})

describe('targets that are not configured', () => {
  it('are named once where a matching rule names them', () => {
    const routes: Routes = {
      targets: { slack: { type: 'slack', url: 'https://slack.test' } },
      rules: [
        rule({ name: 'a', to: ['slack', 'pager'] }),
        rule({ name: 'b', to: ['pager'], label: 'production' }),
        rule({ name: 'c', to: ['hook'], label: 'staging' }),
      ],
      alertTargets: [],
    }
    expect(leftOut(routes, change([promoted]))).toEqual(['pager'])
  })
})

describe('alertTarget', () => {
  const { env } = readEnv({})
  const alertTargets = (alertTarget?: string | string[]) => {
    if (!env) throw new Error('The environment has problems')
    const build = () => ({
      targets: {
        chat: { type: 'slack', url: 'https://x.example' },
        unset: { type: 'slack', url: undefined },
        oncall: { type: 'pagerduty', routingKey: 'r'.repeat(32), eventsUrl: 'https://x.example' },
        hook: { type: 'webhook', url: 'https://x.example', secrets: 'whsec_x' },
      } as const,
      rules: [],
      ...(alertTarget === undefined ? {} : { alertTarget }),
    })
    return buildRoutes(build, env).alertTargets
  }

  it('takes one name or a list', () => {
    expect(alertTargets('hook')).toEqual(['hook'])
    expect(alertTargets(['chat', 'oncall'])).toEqual(['chat', 'oncall'])
  })

  it('is by default every configured target that people read', () => {
    expect(alertTargets()).toEqual(['chat', 'oncall'])
    expect(alertTargets([])).toEqual([])
  })

  it('does not compile with the name of an unknown target', () => {
    const build = defineRelay(() => ({
      targets: { slack: { type: 'slack', url: undefined } },
      rules: [],
      // @ts-expect-error: there is no target `slak`
      alertTarget: ['slack', 'slak'],
    }))
    expect(readConfiguration(build, {}).warnings).toMatchObject([{ what: expect.stringContaining('slak') }])
  })
})

describe('relay.config.ts', () => {
  const all = {
    SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T/B/X',
    GITHUB_REPO: 'acme/prompts',
    GITHUB_TOKEN: 'token',
  }
  const configured = (source: Record<string, string>): Routes => {
    const { env } = readEnv(source)
    if (!env) throw new Error('The environment has problems')
    return buildRoutes(standard, env)
  }
  const targetsOf = (facts: Fact[]) =>
    route(configured(all), change(facts)).routed.map(({ target }) => target)

  it('notifies Slack, Discord and PagerDuty of troubles', () => {
    expect(configured({}).alertTargets).toEqual(['slack', 'discord', 'pagerduty'])
  })

  it('leaves out targets that are not configured', () => {
    expect(Object.keys(configured({}).targets)).toEqual([])
    expect(Object.keys(configured(all).targets)).toEqual(['slack', 'github'])
  })

  it('reports errors and what a person marked as bad, but no other trace or score', () => {
    const toldRow = (row: ObservedRow) => {
      const kind = row.event.startsWith('score.') ? 'score' : row.level === 'ERROR' ? 'error-trace' : 'trace'
      const { fact } = addToBurst(null, { kind, name: 'x', row, isFirst: true })
      const { detail, ...rest } = change([fact])
      return route(configured(all), {
        ...rest,
        detail: { ...detail, prompt: null, observed: [row] },
      }).routed.map(({ target }) => target)
    }
    const marked = { source: 'ANNOTATION', dataType: 'BOOLEAN' }
    expect(toldRow(traceRow({ level: 'ERROR' }))).toEqual(['slack'])
    expect(toldRow(scoreRow({ ...marked, value: false }))).toEqual(['slack'])
    expect(toldRow(scoreRow({ ...marked, value: true }))).toEqual([])
    expect(toldRow(scoreRow({ value: 0 }))).toEqual([])
    expect(toldRow(traceRow({ level: 'WARNING', latencyMs: 1e6, cost: 100 }))).toEqual([])
  })

  it('gives RETRY_DELAYS to targets that name none', () => {
    expect(configured({ ...all, RETRY_DELAYS: '0, 1' }).targets.slack?.retryDelays).toEqual([0, 1])
  })

  it.each<[string, Fact[], string[]]>([
    ['a version that gets production', [promoted], ['slack', 'github']],
    [
      'a version created with production',
      [created, { kind: 'label-added', label: 'production', to: 7 }],
      ['slack', 'github'],
    ],
    ['a version that gets another label', [staged], ['slack']],
    ['a tag edit of a production version', [tagged], ['slack']],
    [
      'a deleted version',
      [{ kind: 'deleted', versions: [7], labels: ['production'], whole: false }],
      ['slack'],
    ],
    ['an alert', [{ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }], ['slack']],
    ['nothing visible', [{ kind: 'unchanged' }], []],
    ['a body of unknown shape', [{ kind: 'unrecognised' }], []],
  ])('routes %s', (_, facts, targets) => {
    expect(targetsOf(facts)).toEqual(targets)
  })

  it('does not compile with a rule that names an unknown target', () => {
    const build = defineRelay(() => ({
      targets: { slack: { type: 'slack', url: undefined } },
      // @ts-expect-error: there is no target `slak`
      rules: [{ name: 'typo', to: ['slak'] }],
    }))
    expect(readConfiguration(build, {}).warnings).toMatchObject([{ what: expect.stringContaining('slak') }])
  })
})
