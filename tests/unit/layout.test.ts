import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

/** From the bottom up. A folder imports from itself and from lower floors; folders on one floor never import each other. */
const floors = [['base'], ['core'], ['langfuse', 'targets', 'store'], ['pipeline'], ['endpoints']]
/** Above all floors: the long-running server, beside the wiring in lib itself. */
const top = 'server'
const rooms = [...floors.flat(), top]

const roomOf = (file: string): string | null => /^lib\/([^/]+)\//.exec(file)?.[1] ?? null
function floorOf(file: string): number {
  const room = roomOf(file)
  return room === null || room === top ? floors.length : floors.findIndex((floor) => floor.includes(room))
}

const mayImport = (file: string, other: string): boolean =>
  roomOf(file) === roomOf(other) || floorOf(other) < floorOf(file) || floorOf(file) === floors.length

const lib = filesUnder('lib')
const isFile = (name: string): boolean => /\.tsx?$/.test(name) && existsSync(resolve(root, name))
const isOwn = (name: string): boolean => /^(app|lib|scripts|tests)\//.test(name)

/** The only packages that pure code may use: for schemas, differences, hashing, and address lists (`BlockList`). */
const corePackages = /^(zod|diff|node:(crypto|path|net))$/

describe('the layout', () => {
  it('has these folders in lib, and no others', () => {
    const found = readdirSync(resolve(root, 'lib'), { withFileTypes: true })
    const folders = found.filter((entry) => entry.isDirectory()).map(({ name }) => name)
    expect(folders.toSorted()).toEqual(rooms.toSorted())
  })

  it.each(lib)('%s imports only from its own folder and lower floors', (file) => {
    const upwards = importsOf(file).filter((name) => isOwn(name) && !mayImport(file, name))
    expect(upwards).toEqual([])
  })

  it.each(lib.filter((file) => roomOf(file) === 'core'))(
    '%s is pure: it uses only packages for schemas, differences and hashing',
    (file) => {
      const packages = importsOf(file).filter((name) => !isOwn(name) && !corePackages.test(name))
      expect(packages).toEqual([])
    },
  )

  it('keeps Next out of lib', () => {
    const users = lib.filter((file) =>
      importsOf(file).some((name) => name === 'next' || name.startsWith('next/')),
    )
    expect(users).toEqual([])
  })

  it('keeps Next out of what answers webhooks past its router', () => {
    const direct = 'lib/webhook-handler.ts'
    const assigners = [...lib, ...filesUnder('app')].filter((file) =>
      /promptRelayWebhookHandler \S*= /.test(readFileSync(resolve(root, file), 'utf8')),
    )
    expect(assigners).toEqual([direct])
    const graph = new Set([direct])
    for (const file of graph) for (const name of importsOf(file)) if (isFile(name)) graph.add(name)
    const reached = ['lib/endpoints/webhook.ts', 'lib/pipeline/deliver/deliver.ts', 'relay.config.ts']
    expect(reached.filter((file) => !graph.has(file))).toEqual([])
    const ofNext = [...graph].flatMap((file) => importsOf(file).filter((name) => /^next(\/|$)/.test(name)))
    expect(ofNext).toEqual([])
  })

  it('lets nothing in app import from scripts or tests', () => {
    const upwards = filesUnder('app').filter((file) =>
      importsOf(file).some((name) => /^(scripts|tests)\//.test(name)),
    )
    expect(upwards).toEqual([])
  })

  it('has the path of one webhook in docs/architecture.md, in at most 25 files', () => {
    const [, section = ''] =
      /## The path of one webhook\n(.*?)\n## /s.exec(
        readFileSync(resolve(root, 'docs/architecture.md'), 'utf8'),
      ) ?? []
    const steps = [...section.matchAll(/^(\d+)\. `([^`]+)`/gm)].map(([, number, file]) => [
      Number(number),
      file,
    ])
    const files = steps.map(([, file]) => String(file))
    expect(steps.map(([number]) => number)).toEqual(files.map((_, place) => place + 1))
    expect(files.length).toBeLessThanOrEqual(25)
    expect([files[0], files.at(-1)]).toEqual(['lib/server/direct.ts', 'lib/pipeline/deliver/record.ts'])
    const named = [...section.matchAll(/`((?:app|lib)\/[^`]+)`/g)].map(([, file]) => file ?? '')
    expect(named.filter((file) => !isFile(file))).toEqual([])
    // Each is still used by what these two start.
    const graph = new Set(['lib/server/start.ts', 'lib/webhook-handler.ts'])
    for (const file of graph) for (const name of importsOf(file)) if (isFile(name)) graph.add(name)
    expect(files.filter((file) => !graph.has(file))).toEqual([])
  })
})
