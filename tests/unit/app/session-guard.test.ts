import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')

/** Pages and routes that need no session, and what protects them instead. */
const sessionless: Record<string, string> = {
  'app/login/page.tsx': 'nothing: it is the login',
  'app/api/callbacks/langfuse/route.ts': 'a token, or an allowed origin',
  'app/api/cron/route.ts': 'CRON_SECRET',
  'app/api/health/live/route.ts': 'nothing: it only shows that the process is alive',
  'app/api/health/route.ts': 'nothing: it names variables, never values',
  'app/api/metrics/route.ts': 'METRICS_TOKEN',
  'app/api/webhooks/langfuse/route.ts': 'the signature',
}

/** Server actions that start with something other than `requireWriter`. */
const otherGuards: Record<string, RegExp> = {
  // Only reads, so a read-only session is enough; without any it returns nothing.
  freshRows: /^ {2}await requireOrigin\(\)\n {2}if \(!\(await isSignedIn\(\)\)\) return \[\]/,
  login: /^ {2}await requireOrigin\(\)/,
  logout: /^ {2}await requireOrigin\(\)/,
}

const files = readdirSync(resolve(root, 'app'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => `app/${name}`)
const sourceOf = (file: string): string => readFileSync(resolve(root, file), 'utf8')

/** The bodies of the exported async functions of a formatted source, and the names of its other exported values. */
function exportsOf(source: string): { functions: [name: string, body: string][]; others: string[] } {
  const functions: [string, string][] = []
  const others: string[] = []
  const lines = source.split('\n')
  for (const [at, line] of lines.entries()) {
    if (!/^export (?!type |interface )/.test(line)) continue
    const [, name] = /^export (?:default )?async function (\w+)\(/.exec(line) ?? []
    if (name === undefined) {
      others.push(/^export (?:const|function|default function) (\w+)/.exec(line)?.[1] ?? line)
      continue
    }
    let open = 0
    const start = lines.findIndex((one, i) => {
      if (i < at) return false
      open += one.split('(').length - one.split(')').length
      return open === 0 && one.endsWith('{')
    })
    functions.push([name, lines.slice(start + 1, lines.indexOf('}', start)).join('\n')])
  }
  return { functions, others }
}

const guard = /^ {2}(?:await requireSession\(|if \(!\(await isSignedIn\(\)\)\) return )/m

/** A page or route may read its own address before it checks the session, and nothing else. */
function isGuarded(body: string): boolean {
  const [before = '', ...after] = body.split(guard)
  return after.length > 0 && !/\bawait (?!params\b|searchParams\b)|\b(database|relay)\(/.test(before)
}

describe('pages and routes', () => {
  const entries = files.filter((file) => /\/(page|route)\.tsx?$/.test(file))
  const settings = ['dynamic', 'maxDuration', 'metadata']

  it('are all found, and the list of those without a session is up to date', () => {
    expect(entries.length).toBeGreaterThan(15)
    expect(Object.keys(sessionless).filter((file) => !entries.includes(file))).toEqual([])
  })

  it.each(entries.filter((file) => !(file in sessionless)))('%s checks the session first', (file) => {
    const { functions, others } = exportsOf(sourceOf(file))
    expect(others.filter((name) => !settings.includes(name))).toEqual([])
    expect(functions).not.toEqual([])
    expect(functions.filter(([, body]) => !isGuarded(body)).map(([name]) => name)).toEqual([])
  })
})

describe('server actions', () => {
  const actionFiles = files.filter((file) => sourceOf(file).startsWith("'use server'\n"))
  const actions = actionFiles.flatMap((file) => exportsOf(sourceOf(file)).functions)

  it('are all found, and the list of exceptions is up to date', () => {
    expect(actions.length).toBeGreaterThan(12)
    const names = actions.map(([name]) => name)
    expect(Object.keys(otherGuards).filter((name) => !names.includes(name))).toEqual([])
    expect(actionFiles.flatMap((file) => exportsOf(sourceOf(file)).others)).toEqual([])
  })

  it('are whole files, never a function within another one', () => {
    const inline = files.filter((file) => /use server/.test(sourceOf(file)) && !actionFiles.includes(file))
    expect(inline).toEqual([])
  })

  it.each(actions)('%s checks the session first', (name, body) => {
    expect(body).toMatch(otherGuards[name] ?? /^ {2}await requireWriter\(/)
  })
})

describe('the check itself', () => {
  const page = (body: string[]) =>
    [
      'export default async function Page({',
      '  params,',
      '}: {',
      '  params: Promise<{ id: string }>',
      '}): Promise<Page> {',
      ...body.map((line) => `  ${line}`),
      '}',
    ].join('\n')

  it.each([
    ['without a guard', ['return read(await database())'], false],
    ['that reads before the guard', ['const db = await database()', "await requireSession('/')"], false],
    ['that awaits something else first', ['await secrets()', "await requireSession('/')"], false],
    ['that does not await the guard', ["requireSession('/')", 'return null'], false],
    ['with a conditional guard', ['if (isMonday) {', "  await requireSession('/')", '}'], false],
    ['with a guard', ['const { id } = await params', 'await requireSession(id)', 'await database()'], true],
  ])('recognises a page %s', (_what, body, expected) => {
    const [found] = exportsOf(page(body)).functions
    expect([found?.[0], isGuarded(found?.[1] ?? '')]).toEqual(['Page', expected])
  })
})
