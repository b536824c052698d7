import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { envNames, readEnv, variableOf } from '#lib/base/env.ts'
import { projectSettings } from '#lib/core/rules/projects.ts'
import { scoreClause } from '#lib/core/rules/row-clauses.ts'
import { ruleSchema, triggers } from '#lib/core/rules/rules.ts'
import { githubAppSettings, targetKinds, targetTypes } from '#lib/core/rules/target-settings.ts'

const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')
const { values: defaults } = readEnv({})

/** The comment above each variable in `.env.example`. A variable without its own shares the one before. */
function comments(): Map<string, string> {
  const found = new Map<string, string>()
  let text: string[] = []
  let isOpen = false
  for (const line of example.split('\n')) {
    const [, name] = /^([A-Z_]+)=/.exec(line) ?? []
    if (name) {
      found.set(name, text.join(' '))
      isOpen = false
    } else if (line.startsWith('# ---') || line === '') {
      text = []
      isOpen = false
    } else if (line.startsWith('#')) {
      text = isOpen ? [...text, line.slice(2)] : [line.slice(2)]
      isOpen = true
    }
  }
  return found
}

/** Outside code, `<` would start a tag. */
const cell = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .split('`')
    .map((part, place) => (place % 2 === 0 ? part.replaceAll('<', '\\<') : part))
    .join('`')
const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

function shownDefault(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return ''
  if (typeof value === 'boolean') return value ? '1' : '0'
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** The bounds of a number. */
function range(schema: z.ZodType): string {
  const { minimum, maximum } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' })
  return minimum === undefined ? '' : `${minimum} to ${maximum}`
}

function variableRows(): string[] {
  const texts = comments()
  return envNames.map((name, place) => {
    const { schema } = variableOf(name)
    const text = texts.get(name) ?? ''
    const before = texts.get(envNames[place - 1] ?? '')
    const cells = [
      code(name),
      code(shownDefault(defaults[name])),
      range(schema),
      text === before ? 'See above.' : text,
    ]
    return `| ${cells.map(cell).join(' | ')} |`
  })
}

const rowsOf = (shape: Record<string, z.ZodType>, needed: (key: string) => string): string[] =>
  Object.entries(shape)
    .filter(([key]) => key !== 'type')
    .map(([key, schema]) => {
      const fallback = schema.safeParse(undefined)
      const preset = fallback.success && fallback.data !== undefined ? String(fallback.data) : ''
      return `| ${[code(key), needed(key), code(preset), schema.description ?? ''].map(cell).join(' | ')} |`
    })

function targetSections(): string[] {
  return Object.entries(targetKinds).flatMap(([type, { settings, ways }]) => {
    const of = (way: readonly string[], key: string): boolean => way.includes(key)
    const needed = (key: string): string => {
      if (ways.every((way) => of(way, key))) return 'yes'
      return ways.some((way) => of(way, key)) ? 'one of' : ''
    }
    return [`### \`${type}\``, '', ...tableOf(rowsOf(settings.shape, needed)), '']
  })
}

const tableOf = (rows: string[]): string[] => ['| Key | Needed | Default | |', '|---|---|---|---|', ...rows]
const isNeeded = (key: string): string => (key === 'name' || key === 'to' ? 'yes' : '')

const readByPeople = targetTypes.filter((type) => targetKinds[type].isReadByPeople)

const page = (): string =>
  [
    '# Configuration reference',
    '',
    'Generated from the schemas that the relay validates its configuration with: `npx vitest run --project unit',
    'tests/unit/configuration-doc.test.ts --update=all` regenerates it.',
    '',
    'The configuration is checked at start, in `/api/health`, by `npm run doctor` and on *Setup*. While it has a problem, events',
    'are stored, but nothing is settled or sent; without a working `DATABASE_URL` and `LANGFUSE_WEBHOOK_SECRET` the endpoints',
    'answer 503. A variable that looks like a misspelling of one below, or of one that `relay.config.ts` reads, is a warning, and',
    'so is a name in a rule that matches nothing known.',
    '',
    'Spaces, line breaks and quotes around a value are removed. These are problems: quotes around passwords and tokens, masked',
    'values, placeholders, invisible characters, and a user or password in a URL (except in those of the database and a proxy).',
    '',
    '## Variables',
    '',
    '| Variable | Default | Range | |',
    '|---|---|---|---|',
    ...variableRows(),
    '',
    '[Running](running.md#behind-a-proxy-to-the-internet) describes `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.',
    '',
    '## relay.config.ts',
    '',
    'The file returns `targets` (by name), `rules` (a list), `alertTarget` (a name or a list; default: every target that people',
    `read: ${readByPeople.map(code).join(', ')}) and, for several projects, \`projects\` (by name). It gets the`,
    'variables above, validated, and `variable`, which reads a variable of any name:',
    '',
    '```ts',
    'export default defineRelay((env, variable) => ({',
    "  targets: { support: { type: 'slack', url: variable('SLACK_SUPPORT_URL') } },",
    "  rules: [{ name: 'support', prompt: 'support/**', to: ['support'] }],",
    '}))',
    '```',
    '',
    'A target whose required settings are all unset is left out. The file becomes part of the build: build again after a change.',
    '',
    '## Projects',
    '',
    'All keys are optional: see [several projects](projects.md). The plain variables make a project `default`, unless an entry',
    'uses them.',
    '',
    ...tableOf(rowsOf(projectSettings.shape, () => '')),
    '',
    '## Targets',
    '',
    ...targetSections(),
    '`app` of `github`:',
    '',
    ...tableOf(rowsOf(githubAppSettings.shape, () => 'yes')),
    '',
    '## Rules',
    '',
    'A rule matches if all of its clauses do; a clause matches if any of its values does. A clause without a value is a',
    'problem.',
    '',
    ...tableOf(rowsOf(ruleSchema.shape, isNeeded)),
    '',
    '`score`:',
    '',
    ...tableOf(rowsOf(scoreClause.shape, () => '')),
    '',
    `Words of \`on\`: ${triggers.map(code).join(', ')}.`,
    '',
  ].join('\n')

describe('docs/configuration.md', () => {
  it('matches the schemas (--update=all regenerates it)', async () => {
    await expect(page()).toMatchFileSnapshot('../../docs/configuration.md')
  })

  it('has a description of every variable, setting and clause', () => {
    expect(envNames.filter((name) => !comments().get(name))).toEqual([])
    const shapes = [
      ...Object.values(targetKinds).map(({ settings }) => settings.shape),
      ...[ruleSchema.shape, projectSettings.shape],
    ]
    const bare = shapes.flatMap((shape) =>
      Object.entries(shape as Record<string, z.ZodType>)
        .filter(([key, schema]) => key !== 'type' && !schema.description)
        .map(([key]) => key),
    )
    expect(bare).toEqual([])
  })
})
