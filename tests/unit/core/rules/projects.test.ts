import { describe, expect, it } from 'vitest'
import { problemText } from '#lib/base/problem.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import { type BuildRoutes, defineRelay, type ReadVariable } from '#lib/core/rules/define-relay.ts'
import standard from '#relay.config.ts'

const secretOf = (name: string): string => `lf-whsec_${name.padEnd(64, '0')}`

const plain = {
  LANGFUSE_PUBLIC_KEY: 'pk-lf-plain',
  LANGFUSE_SECRET_KEY: 'sk-lf-plain',
  LANGFUSE_WEBHOOK_SECRET: secretOf('plain'),
}

type Written = Record<string, Record<string, unknown>>

const withProjects =
  (projects: (variable: ReadVariable) => Written): BuildRoutes =>
  (_, variable) => ({ projects: projects(variable), targets: {}, rules: [] })

const projectsOf = (build: BuildRoutes, variables: Record<string, string> = {}) =>
  readConfiguration(build, variables).projects

const problemsOf = (projects: Written, variables: Record<string, string> = {}) =>
  readConfiguration(
    withProjects(() => projects),
    variables,
  ).problems.map(problemText)

const keysOf = (name: string) => ({ publicKey: `pk-lf-${name}`, secretKey: `sk-lf-${name}` })

describe('the projects', () => {
  it('are one, named default, where only the plain variables are set, and its secrets sign for any project', () => {
    expect(
      projectsOf(standard, { ...plain, LANGFUSE_BASE_URL: 'https://langfuse.example.com/' }),
    ).toMatchObject([
      {
        name: 'default',
        id: null,
        baseUrl: 'https://langfuse.example.com/',
        webUrl: 'https://langfuse.example.com/',
        keys: keysOf('plain'),
        webhookSecrets: [plain.LANGFUSE_WEBHOOK_SECRET],
        signsForAny: true,
      },
    ])
  })

  it('are one without anything where nothing is set', () => {
    expect(projectsOf(standard)).toMatchObject([
      { name: 'default', id: null, keys: null, webhookSecrets: [], baseUrl: 'https://cloud.langfuse.com' },
    ])
  })

  it('take the id of default from LANGFUSE_PROJECT_ID', () => {
    expect(projectsOf(standard, { LANGFUSE_PROJECT_ID: ' cm0plain ' })).toMatchObject([{ id: 'cm0plain' }])
  })

  it('have the settings of their entry, each secret signing for that project alone', () => {
    const build = withProjects((variable) => ({
      support: {
        id: 'cm0support',
        publicKey: variable('SUPPORT_PUBLIC_KEY'),
        secretKey: variable('SUPPORT_SECRET_KEY'),
        webUrl: 'https://langfuse.example.com',
        webhookSecrets: variable('SUPPORT_SECRETS'),
      },
      sales: { webhookSecrets: [secretOf('c')], baseUrl: 'https://eu.langfuse.test/api/public' },
    }))
    const variables = {
      SUPPORT_PUBLIC_KEY: 'pk-lf-support',
      SUPPORT_SECRET_KEY: 'sk-lf-support',
      SUPPORT_SECRETS: `${secretOf('a')}, ${secretOf('b')}`,
    }
    expect(readConfiguration(build, variables)).toMatchObject({
      problems: [],
      warnings: [],
      projects: [
        {
          name: 'support',
          id: 'cm0support',
          keys: keysOf('support'),
          baseUrl: 'https://cloud.langfuse.com',
          webUrl: 'https://langfuse.example.com',
          webhookSecrets: [secretOf('a'), secretOf('b')],
          signsForAny: false,
          called: {
            publicKey: 'SUPPORT_PUBLIC_KEY',
            webhookSecrets: 'SUPPORT_SECRETS',
            id: 'projects.support.id',
          },
        },
        {
          name: 'sales',
          keys: null,
          baseUrl: 'https://eu.langfuse.test',
          webUrl: 'https://eu.langfuse.test',
          webhookSecrets: [secretOf('c')],
        },
      ],
    })
  })

  it('include default beside a section, if a plain variable is set that the section does not use', () => {
    const build = withProjects(() => ({ support: keysOf('support') }))
    expect(projectsOf(build, plain)).toMatchObject([
      { name: 'default', keys: keysOf('plain'), signsForAny: false },
      { name: 'support', keys: keysOf('support') },
    ])
    expect(projectsOf(build)).toMatchObject([{ name: 'support' }])
  })

  it('can name the project of the plain variables', () => {
    const build = defineRelay((env) => ({
      projects: {
        support: {
          publicKey: env.LANGFUSE_PUBLIC_KEY,
          secretKey: env.LANGFUSE_SECRET_KEY,
          webhookSecrets: env.LANGFUSE_WEBHOOK_SECRET,
        },
      },
      targets: {},
      rules: [],
    }))
    expect(readConfiguration(build, plain)).toMatchObject({
      problems: [],
      projects: [{ name: 'support', keys: keysOf('plain'), webhookSecrets: [plain.LANGFUSE_WEBHOOK_SECRET] }],
    })
    expect(projectsOf(build, plain)).toHaveLength(1)
  })

  it('take over secrets of LANGFUSE_WEBHOOK_SECRET that they list, of which default keeps the others', () => {
    const [first, second] = [secretOf('first'), secretOf('second')]
    const variables = { LANGFUSE_WEBHOOK_SECRET: `${first},${second}` }
    const one = withProjects(() => ({ support: { webhookSecrets: [first] } }))
    expect(readConfiguration(one, variables)).toMatchObject({
      problems: [],
      projects: [
        { name: 'default', webhookSecrets: [second] },
        { name: 'support', webhookSecrets: [first] },
      ],
    })
    const both = defineRelay((env, variable) => ({
      projects: { support: { webhookSecrets: [...env.LANGFUSE_WEBHOOK_SECRET, variable('NEW')] } },
      targets: {},
      rules: [],
    }))
    expect(projectsOf(both, { ...variables, NEW: secretOf('new') })).toMatchObject([
      { name: 'support', webhookSecrets: [first, second, secretOf('new')] },
    ])
  })

  it('are not named by a rule that misspells one, which is a warning', () => {
    const build: BuildRoutes = () => ({
      projects: { support: {}, sales: {} },
      targets: { slack: { type: 'slack', url: 'https://hooks.example.com/a' } },
      rules: [{ name: 'a', project: ['suport', 'sales', 'cm0abc123def456ghi789jkl0'], to: ['slack'] }],
    })
    expect(readConfiguration(build, {}).warnings.map(problemText)).toEqual([
      'The rule "a" names the project suport, which is not in projects. Did you mean support?',
    ])
  })

  it('keep what is right of an entry with a problem, so that its events are still stored', () => {
    const build = withProjects(() => ({
      support: { publicKey: 'sk-lf-swapped', secretKey: 'sk-lf-a', webhookSecrets: secretOf('a') },
    }))
    const { projects, problems } = readConfiguration(build, {})
    expect(problems).toHaveLength(1)
    expect(projects).toMatchObject([{ keys: null, webhookSecrets: [secretOf('a')] }])
    const masked = withProjects(() => ({ support: { webhookSecrets: `lf-whsec_...ab12,${secretOf('a')}` } }))
    expect(readConfiguration(masked, {})).toMatchObject({
      problems: [{ name: 'projects.support.webhookSecrets[0]' }],
      projects: [{ webhookSecrets: [secretOf('a')] }],
    })
  })

  it('may be fifty', () => {
    const names = Array.from({ length: 50 }, (_, place) => `team-${place}`)
    const section = Object.fromEntries(
      names.map((name) => [
        name,
        { ...keysOf(name), id: `cm0${name}`, webhookSecrets: secretOf(`${name}-`) },
      ]),
    )
    expect(problemsOf(section)).toEqual([])
    expect(projectsOf(withProjects(() => section)).map(({ name }) => name)).toEqual(names)
  })
})

describe('two entries for one project are refused', () => {
  it.each<[string, Written, Record<string, string>, RegExp]>([
    [
      'with the same id',
      { support: { id: 'cm0a' }, sales: { id: 'cm0a' } },
      {},
      /^projects\.sales\.id is also the id of the project support/,
    ],
    [
      'with the same public key at the same address',
      {
        support: { ...keysOf('a'), baseUrl: 'https://Langfuse.test/' },
        sales: { publicKey: 'pk-lf-a', secretKey: 'sk-lf-other', baseUrl: 'https://langfuse.test' },
      },
      {},
      /^projects\.sales\.publicKey is also the key of the project support/,
    ],
    [
      'of which one comes from the plain variables',
      { support: { publicKey: 'pk-lf-plain', secretKey: 'sk-lf-plain' } },
      plain,
      /^projects\.support\.publicKey is also the key of the project default/,
    ],
    [
      'named default, beside the plain variables',
      { default: keysOf('a') },
      plain,
      /^projects\.default is the name of the project that LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, LANGFUSE_WEBHOOK_SECRET make\./,
    ],
    [
      'with the same webhook secret',
      {
        support: { webhookSecrets: secretOf('a') },
        sales: { webhookSecrets: [secretOf('b'), secretOf('a')] },
      },
      {},
      /^projects\.sales\.webhookSecrets contains a secret of the project support/,
    ],
  ])('%s', (_, section, variables, why) => {
    expect(problemsOf(section, variables)).toEqual([expect.stringMatching(why)])
  })

  it('but not the same public key at two addresses', () => {
    expect(
      problemsOf({
        support: { ...keysOf('a'), baseUrl: 'https://one.test' },
        sales: { ...keysOf('a'), baseUrl: 'https://two.test' },
      }),
    ).toEqual([])
  })
})

describe('a project that is written wrong', () => {
  it.each<[string, unknown, RegExp]>([
    ['that is no object', 'pk-lf-a', /^projects\.a is not an object of settings/],
    [
      'with a misspelt key',
      { publickKey: 'x' },
      /^projects\.a\.publickKey is not a key of a project\. Did you mean publicKey\?/,
    ],
    [
      'with an unknown key',
      { environment: 'x' },
      /^projects\.a\.environment is not a key of a project\. Known are id, publicKey/,
    ],
    [
      'with one key only',
      { publicKey: 'pk-lf-a' },
      /^projects\.a\.secretKey is not set: Langfuse's API needs both keys\. Set it, or unset projects\.a\.publicKey too\./,
    ],
    [
      'with swapped keys',
      { publicKey: 'sk-lf-a', secretKey: 'sk-lf-a' },
      /^projects\.a\.publicKey starts with sk-lf-: the two keys are swapped/,
    ],
    [
      'with a masked key',
      { publicKey: 'pk-lf-a', secretKey: 'sk-lf-...a' },
      /^projects\.a\.secretKey is masked/,
    ],
    [
      'with an address that is no URL',
      { baseUrl: 'ftp://langfuse.test' },
      /^projects\.a\.baseUrl is not an http\(s\) URL/,
    ],
    [
      'with a password in the address',
      { webUrl: 'https://me:it@langfuse.test' },
      /^projects\.a\.webUrl contains a user name and a password/,
    ],
    [
      'with the address of a page',
      { webUrl: 'https://langfuse.test/project/x' },
      /^projects\.a\.webUrl is the address of a page/,
    ],
    ['with an address as id', { id: 'https://langfuse.test/project/x' }, /^projects\.a\.id is not an id/],
    ['with a key as id', { id: 'pk-lf-a' }, /^projects\.a\.id is an API key/],
    [
      'with an API key as secret',
      { webhookSecrets: 'sk-lf-aaaaaaaaaaaaaaaa' },
      /^projects\.a\.webhookSecrets\[0\] contains an API key/,
    ],
    [
      'with a short secret',
      { webhookSecrets: ['short'] },
      /^projects\.a\.webhookSecrets\[0\] contains a secret shorter than 16/,
    ],
    [
      'with a number as secret',
      { webhookSecrets: 7 },
      /^projects\.a\.webhookSecrets is neither a secret nor a list/,
    ],
  ])('%s is a problem that names it', (_, given, why) => {
    const build: BuildRoutes = () => ({ projects: { a: given }, targets: {}, rules: [] })
    expect(readConfiguration(build, {}).problems.map(problemText)).toEqual([expect.stringMatching(why)])
  })

  it('or has a name that pages and messages cannot show is a problem', () => {
    for (const name of ['', 'a b', '*', 'a'.repeat(61), '-a', 'ä'])
      expect(problemsOf({ [name]: {} })).toEqual([expect.stringMatching(/ is no name for a project/)])
  })

  it('calls an address what it comes from', () => {
    const build = withProjects(() => ({ own: { baseUrl: 'https://langfuse.test' }, shared: {} }))
    expect(projectsOf(build).map(({ called }) => called.baseUrl)).toEqual([
      'projects.own.baseUrl',
      'LANGFUSE_BASE_URL',
    ])
  })

  it('names the variable of a setting, and never its value', () => {
    const build = withProjects((variable) => ({
      support: { publicKey: variable('SUPPORT_KEY'), secretKey: variable('SUPPORT_SECRET') },
    }))
    const { problems } = readConfiguration(build, { SUPPORT_KEY: 'sk-lf-planted' })
    expect(problems.map(({ name }) => name)).toEqual(['SUPPORT_KEY', 'SUPPORT_SECRET'])
    expect(JSON.stringify(problems)).not.toContain('planted')
  })

  it('makes the whole section a problem where that is no object', () => {
    const build: BuildRoutes = () => ({ projects: ['support'], targets: {}, rules: [] })
    expect(readConfiguration(build, {}).problems.map(problemText)).toEqual([
      expect.stringMatching(/^projects is not an object of projects by name/),
    ])
  })
})
