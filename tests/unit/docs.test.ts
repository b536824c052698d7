import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { envNames } from '#lib/base/env.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8')

const docs = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(resolve(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** Folders of the repository that documents name. */
const folders = ['app', 'docs', 'lib', 'public', 'scripts', 'tests', '.ci']
const filesIn = (folder: string): string[] =>
  readdirSync(resolve(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
const rootFiles = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ name }) => name)
const fileNames = new Set([...rootFiles, ...folders.flatMap(filesIn)].map((path) => path.split('/').at(-1)))

const fence = /^```.*?^```/gms
const fences = (text: string): string[] => text.match(fence) ?? []
const withoutFences = (text: string): string => text.replaceAll(fence, '')
const spans = (text: string): string[] =>
  [...withoutFences(text).matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '')
const codeOf = (text: string): string[] => [...fences(text), ...spans(text)]
/** Without workflows, which run in another repository. */
const ownCodeOf = (text: string): string[] => codeOf(text).filter((code) => !code.startsWith('```yaml'))

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
const anchorsOf = (text: string): string[] =>
  [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ''))

/** Targets of links and images within the repository. */
const linksOf = (text: string): string[] =>
  [
    ...withoutFences(text)
      .replaceAll(/`[^`]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g),
  ]
    .map(([, link, attribute]) => link ?? attribute ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))

function leadsNowhere(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? resolve(root, file) : resolve(root, dirname(file), path)
  if (!existsSync(target)) return true
  return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)
}

/** Paths that begin with a folder of the repository, and names of single files. Placeholders and globs are neither. */
function pathsOf(text: string): string[] {
  const words = ownCodeOf(text).flatMap((code) => code.split(/[\s'"`]+/))
  return words
    .map((word) => word.replace(/^\.\//, '').replace(/[,;:.]+$/, ''))
    .filter((word) => /^[\w.()[\]/-]+$/.test(word))
    .filter(
      (word) =>
        folders.some((folder) => word.startsWith(`${folder}/`)) ||
        /^[\w-][\w.-]*\.(tsx?|mjs|json|md|ya?ml)$/.test(word),
    )
}
const isMissing = (path: string): boolean =>
  path.includes('/') ? !existsSync(resolve(root, path)) : !fileNames.has(path)

const scripts = Object.keys(JSON.parse(read('package.json')).scripts)
const scriptsOf = (text: string): string[] =>
  ownCodeOf(text).flatMap((code) =>
    [...code.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].map(([, run, own]) => run ?? own ?? ''),
  )

/** Those of others, which the relay does not read itself. */
const foreign = [
  // Node.js
  'NODE_EXTRA_CA_CERTS',
  // OpenTelemetry
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  // Langfuse
  'LANGFUSE_WEBHOOK_WHITELISTED_HOST',
  // GitHub Actions
  'GITHUB_EVENT_PATH',
]
const variableName = /\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b/g
const variablesOf = (text: string): string[] => codeOf(text).flatMap((code) => code.match(variableName) ?? [])
/** Names that an example makes up and uses. */
const madeUpIn = (text: string): string[] =>
  codeOf(text).flatMap((code) =>
    [...code.matchAll(/variable\('(\w+)'\)|^\s+([A-Z_]+): /gm)].map(([, read, set]) => read ?? set ?? ''),
  )
const sources = ['app', 'lib', 'scripts', '.ci'].flatMap(filesIn).map((path) => readFileSync(path, 'utf8'))
const tested = filesIn('tests').filter((path) => path.endsWith('.ts'))
const known = new Set<string>([
  ...envNames,
  ...foreign,
  ...[...sources, read('compose.yaml'), read('Dockerfile')].flatMap((text) => text.match(variableName) ?? []),
  ...tested.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/process\.env\.(\w+)/g)].map(([, name]) => name ?? ''),
  ),
])

describe.each(docs)('%s', (file) => {
  const text = read(file)

  it('links to files and headings that exist', () => {
    expect(linksOf(text).filter((link) => leadsNowhere(file, link))).toEqual([])
  })

  it('names paths of the repository that exist', () => {
    expect(pathsOf(text).filter(isMissing)).toEqual([])
  })

  it('names npm scripts that exist', () => {
    expect(scriptsOf(text).filter((name) => !scripts.includes(name))).toEqual([])
  })

  it('names environment variables that something reads', () => {
    const madeUp = madeUpIn(text)
    expect(variablesOf(text).filter((name) => !known.has(name) && !madeUp.includes(name))).toEqual([])
  })
})

describe('the documents', () => {
  const all = docs.map(read)

  it('exist wherever a page, a message or a comment names one', () => {
    const named = [...sources, read('.env.example'), ...all].flatMap(
      (text) => text.match(/(?<![\w/])docs\/[\w/-]+\.md\b/g) ?? [],
    )
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(isMissing)).toEqual([])
  })

  it.each([
    ['links', 50, linksOf],
    ['paths', 50, pathsOf],
    ['npm scripts', 15, scriptsOf],
    ['environment variables', 100, variablesOf],
  ] as const)('have %s to check', (_, least, of) => {
    expect(all.flatMap((text) => of(text)).length).toBeGreaterThan(least)
  })
})
