import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { confirmDeletions, requestFullLook } from '#lib/store/tables/looks.ts'
import { countDoubts } from '#lib/store/tables/prompt-looks.ts'
import type { Fault, Knobs } from '../model/api.ts'
import type { ModelVersion } from '../model/edits.ts'
import type { EditKind, ModelOptions } from '../model/langfuse.ts'
import { randomFrom } from '../model/play.ts'
import { baseUrl, everyMs, graceMs, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

vi.setConfig({ testTimeout: 600_000 })

/** `LOOKS=500`: this many worlds in each test. `SEED=…`: that one only. On Postgres each takes three times as long. */
const runs = Number(process.env.LOOKS ?? (process.env.TEST_POSTGRES_URL ? 1 : 3))
const edits = 25

const faults: Partial<Record<Fault, number>> = {
  failed: 0.02,
  reset: 0.01,
  cut: 0.01,
  hung: 0.005,
  limited: 0.01,
}

const deletions: EditKind[] = [
  'delete version',
  'delete prompt',
  'delete version by API',
  'delete prompt by API',
]

interface Setting extends ModelOptions {
  /** The share of webhooks that are lost. */
  lost: number
  /** The longest that a webhook takes, milliseconds. */
  slowest: number
  /** All webhooks of an edit are lost, or none. */
  byEdit?: boolean
  repeated?: boolean
  killShare?: number
  api?: Partial<Knobs>
}

interface Played {
  world: World
  /** The versions of each prompt after the first look. */
  before: Map<string, readonly ModelVersion[]>
  /** The silent edits among those after it. */
  kinds: EditKind[]
}

/** Plays edits against a relay that loses webhooks, then lets it look once more in peace. */
async function play(store: TestStore, seed: number, setting: Setting): Promise<Played> {
  const { lost, slowest, byEdit = false, repeated = false, killShare = 0, api = {}, ...model } = setting
  const random = randomFrom(seed + 3)
  const delayOf = () => (random() < lost ? null : Math.floor(random() * slowest))
  const world = lookWorld(store, { seed, delayOf: () => null, ...model })
  for (let i = 0; i < random() * 12; i++) world.edit()
  // What has not changed for a while is stored as it is listed.
  if (random() < 0.5) world.model.clock.at += 60 * minute
  await world.pass(10 * minute)
  const before = new Map(structuredClone([...world.model.prompts]))
  Object.assign(world.api.knobs, api)
  world.killShare = killShare
  world.delayOf = delayOf
  const kinds: EditKind[] = []
  for (let i = 0; i < edits; i++) {
    if (byEdit) world.delayOf = random() < lost ? () => null : () => Math.floor(random() * slowest)
    const { edit, events } = world.edit()
    kinds.push(edit.kind)
    if (repeated) world.send(events.filter(() => random() < 0.3))
    await world.pass(Math.floor(random() < 0.3 ? random() * 3000 : random() * 20 * minute))
  }
  world.killShare = 0
  Object.assign(world.api.knobs, { faults: {}, edits: 0 })
  await world.pass(slowest + graceMs)
  const key = { baseUrl, projectId: world.model.projectId }
  await requestFullLook(store.db, key, { why: 'requested', at: world.now() })
  await world.pass(everyMs + graceMs)
  for (let i = 0; i < 12 && (await countDoubts(store.db, key.projectId)) > 0; i++) {
    // Someone who deletes so much knows it.
    if ((await world.state()).state.held) await confirmDeletions(store.db, key, world.now())
    await world.pass(everyMs)
  }
  expect(world.api.problems).toEqual([])
  return { world, before, kinds }
}

interface Report {
  subject: string
  facts: readonly Fact[]
  /** A comparison found it. */
  isFound: boolean
}

async function reportsOf(world: World): Promise<Report[]> {
  const found = new Set((await world.found()).map(({ id }) => id))
  const changes = (await world.changes()).toSorted((a, b) => (a.settledAt ?? 0) - (b.settledAt ?? 0))
  return changes.map(({ id, subject, detail }) => ({ subject, facts: detail.facts, isFound: found.has(id) }))
}

/** What someone knows of a prompt who only reads what is reported. */
interface Reader {
  versions: Set<number>
  gone: Set<number>
  holders: Map<string, number>
}

/** A version exists, with these labels beside those that it has. */
function learn({ versions, gone, holders }: Reader, version: number, labels: readonly string[]): void {
  versions.add(version)
  gone.delete(version)
  for (const label of labels) if (label !== 'latest') holders.set(label, version)
}

function lose({ versions, gone, holders }: Reader, version: number): void {
  versions.delete(version)
  gone.add(version)
  for (const [label, holder] of holders) if (holder === version) holders.delete(label)
}

/** Whether a fact is news to someone, who then knows it. */
function read(reader: Reader, fact: Fact): boolean {
  const { gone, holders } = reader
  switch (fact.kind) {
    case 'deleted': {
      // A webhook may have told the relay of a version, but not of its creation.
      const isNews = fact.versions.every((version) => !gone.has(version))
      for (const version of fact.versions) lose(reader, version)
      return isNews
    }
    case 'version-created':
      // One of this number may have been deleted.
      lose(reader, fact.version)
      learn(reader, fact.version, [])
      return true
    case 'first-seen':
      learn(reader, fact.version, fact.labels)
      return true
    case 'promoted':
    case 'rolled-back':
    case 'label-added': {
      const isNews = fact.label === 'latest' || holders.get(fact.label) !== fact.to
      learn(reader, fact.to, [fact.label])
      return isNews
    }
    case 'label-removed': {
      const isNews = holders.get(fact.label) === fact.from
      holders.delete(fact.label)
      return isNews
    }
    default:
      return true
  }
}

/** Versions and their labels as far as they were reported. What a comparison found must be news. */
function follow(before: ReadonlyMap<string, readonly ModelVersion[]>, reports: readonly Report[]): string[] {
  const readers = new Map<string, Reader>()
  const readerOf = (name: string): Reader => {
    const reader = readers.get(name) ?? { versions: new Set(), gone: new Set(), holders: new Map() }
    readers.set(name, reader)
    return reader
  }
  for (const [name, all] of before)
    for (const { version, labels } of all) learn(readerOf(name), version, labels)
  for (const { subject, facts, isFound } of reports)
    for (const fact of facts)
      if (!read(readerOf(subject), fact) && isFound)
        throw new Error(`No news: ${subject} ${JSON.stringify(fact)}`)
  return [...readers]
    .flatMap(([name, { versions, holders }]) => [...versions].map((one) => lineOf(name, one, holders)))
    .toSorted()
}

function lineOf(name: string, version: number, holders: ReadonlyMap<string, number>): string {
  const labels = [...holders].flatMap(([label, holder]) => (holder === version ? [label] : []))
  return `${name} v${version} [${labels.toSorted().join()}]`
}

const labelled = (lines: readonly string[]): string[] => lines.filter((line) => !line.endsWith('[]'))

/** The same lines of what is so. */
const followed = (world: World): string[] =>
  [...world.model.prompts]
    .flatMap(([name, all]) =>
      all.map(({ version, labels }) => {
        const own = labels.filter((label) => label !== 'latest')
        return `${name} v${version} [${own.toSorted().join()}]`
      }),
    )
    .toSorted()

describe.each(engines)('whatever happens between Langfuse and a relay on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const forSeeds = (check: (seed: number) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 30 }), async (seed) => {
        await store.close()
        store = await openStore()
        await check(seed)
      }),
      {
        numRuns: runs,
        endOnFailure: true,
        ...(process.env.SEED && { examples: [[Number(process.env.SEED)]], numRuns: 1 }),
      },
    )

  it('with all webhooks lost, everything is found, once, and nothing that is not so', async () => {
    await forSeeds(async (seed) => {
      const { world, before } = await play(store, seed, { lost: 1, slowest: 0 })
      expect(await world.known()).toEqual(world.truth())
      expect(follow(before, await reportsOf(world))).toEqual(followed(world))
    })
  })

  it('with every webhook in time, only what Langfuse never sends is found', async () => {
    await forSeeds(async (seed) => {
      const { world, before, kinds } = await play(store, seed, {
        lost: 0,
        slowest: graceMs - 30_000,
        oddConfigs: 0.1,
      })
      expect(await world.known()).toEqual(world.truth())
      const counts = await world.counts()
      expect(counts.missing).toBeUndefined()
      expect(counts.late).toBeUndefined()
      expect(kinds.length).toBe(edits)
      expect(labelled(follow(before, await reportsOf(world)))).toEqual(labelled(followed(world)))
    })
  })

  it('with any share of edits lost, a relay that is killed, and an API that fails, each is reported once', async () => {
    await forSeeds(async (seed) => {
      const { world, before } = await play(store, seed, {
        ...{ lost: (seed % 11) / 10, byEdit: true, slowest: 1000, killShare: 0.02, oddConfigs: 0.1 },
        // A webhook of a version that was created again says nothing of what the one before it had.
        without: deletions,
        api: { faults, version: seed % 2 === 0 ? 'v4' : 'v3', latency: [20, 400] },
      })
      expect(await world.known()).toEqual(world.truth())
      expect(follow(before, await reportsOf(world))).toEqual(followed(world))
    })
  })

  it('with single webhooks lost, late and repeated, edits at any moment and clocks apart, the state is right in the end', async () => {
    await forSeeds(async (seed) => {
      const { world } = await play(store, seed, {
        ...{ lost: (seed % 11) / 10, slowest: 20 * minute, repeated: true, killShare: 0.02, oddConfigs: 0.1 },
        pods: seed % 3 === 0 ? [0, 24 * 60 * minute, -30 * minute] : [0],
        api: { faults, edits: 0.05, version: seed % 2 === 0 ? 'v4' : 'v3', latency: [20, 400] },
      })
      expect(await world.known()).toEqual(world.truth())
    })
  })
})
