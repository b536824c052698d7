import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

const filesUnder = (folder: string): string[] =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${folder}/${name}`)

/** What a file imports: project files by path from the root, packages by name. */
function importsOf(file: string): string[] {
  const source = readFileSync(resolve(root, file), 'utf8')
  const specifiers = [...source.matchAll(/(?:\bfrom\s+|\bimport\(\s*|\bimport\s+)'([^']+)'/g)].map(
    ([, name]) => name ?? '',
  )
  return specifiers.map((name) => {
    if (name.startsWith('#')) return name.slice(1)
    return name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name
  })
}

/** Pure: no clock, no network, no store. */
const core = [
  'authors',
  'alert-words',
  'callback-access',
  'callback-check',
  'callback-limits',
  'change',
  'check',
  'configuration-check',
  'circuit',
  'config-diff',
  'config',
  'cors',
  'delivery',
  'describe',
  'describe-callback',
  'doctor-report',
  'env',
  'env-values',
  'event',
  'facets',
  'id',
  'indexable',
  'incident',
  'kind-names',
  'list-filter',
  'network-reason',
  'observed',
  'observed-body',
  'observed-words',
  'burst',
  'burst-rules',
  'form-origin',
  'row-rules',
  'path-segment',
  'poll-check',
  'quiet',
  'store-error',
  'poll-state',
  'polled',
  'time-buckets',
  'search-words',
  'links',
  'prompt-diff',
  'prompt-facts',
  'prompt-merge',
  'prompt-people',
  'prompt-state',
  'prompt-text',
  'prompt-sections',
  'problem',
  'proxy-env',
  'public-address',
  'rate-limit',
  'reach',
  'recent-map',
  'setup-checks',
  'target-check',
  'target-settings',
  'text-flaws',
  'url-flaws',
  'token-match',
  'trouble',
  'trouble-checks',
  'token-anchors',
  'word-marks',
  'difference-block',
  'difference-summary',
  'retry',
  'recent-map',
  'rules',
  'sender-address',
  'secret-projects',
  'likely-langfuse',
  'request-budget',
  'signature',
  'visible',
].map((name) => `lib/${name}.ts`)

/** The only packages that pure code may use: a schema, differences, hashing, and lists of addresses (`BlockList`). */
const corePackages = /^(zod|diff|fastest-levenshtein|node:(crypto|http|path|net))$/

const lib = filesUnder('lib')
const rooms = ['sources', 'targets', 'db']

describe('the layout', () => {
  it.each(lib.filter((file) => core.includes(file)))(
    '%s is core: it imports core, schemas, differences and node built-ins only',
    (file) => {
      const others = importsOf(file).filter((name) => !core.includes(name) && !corePackages.test(name))
      expect(others).toEqual([])
    },
  )

  it.each(lib.filter((file) => rooms.some((room) => file.startsWith(`lib/${room}/`))))(
    '%s stays in its room: it imports its own room, core and packages',
    (file) => {
      const room = dirname(file).split('/').slice(0, 2).join('/')
      const own = (name: string) => name.startsWith(`${room}/`) || core.includes(name)
      // The process's own environment is read where the store is opened.
      const allowed = (name: string) => own(name) || name === 'lib/current-env.ts' || name === 'lib/log.ts'
      expect(importsOf(file).filter((name) => name.startsWith('lib/') && !allowed(name))).toEqual([])
    },
  )

  it('lets nothing in lib import from app, scripts or tests', () => {
    const upwards = lib.filter((file) => importsOf(file).some((name) => /^(app|scripts|tests)\//.test(name)))
    expect(upwards).toEqual([])
  })

  it('keeps Next out of lib, but for the session', () => {
    const users = lib.filter((file) => importsOf(file).some((name) => name.startsWith('next/')))
    expect(users.filter((file) => file !== 'lib/session.ts')).toEqual([])
  })

  it('lets nothing the app ships import from scripts or tests', () => {
    const upwards = filesUnder('app').filter((file) =>
      importsOf(file).some((name) => /^(scripts|tests)\//.test(name)),
    )
    expect(upwards).toEqual([])
  })
})
