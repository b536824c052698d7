import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { confirmDeletions, requestFullLook } from '#lib/store/tables/looks.ts'
import { countDoubts } from '#lib/store/tables/prompt-looks.ts'
import type { Fault, Knobs } from '../model/api.ts'
import type { ModelVersion } from '../model/edits.ts'
import type { EditKind, ModelOptions, PromptWebhook } from '../model/langfuse.ts'
import { randomFrom } from '../model/play.ts'
import { baseUrl, everyMs, graceMs, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

vi.setConfig({ testTimeout: 600_000 })

/** `LOOKS=500`: this many worlds in each test. `SEED=…`: that one only. */
const runs = Number(process.env.LOOKS ?? 4)
const edits = 25

const faults: Partial<Record<Fault, number>> = {
  failed: 0.02,
  reset: 0.01,
  cut: 0.01,
  hung: 0.005,
  limited: 0.01,
}

interface Setting extends ModelOptions {
  /** The share of webhooks that are lost. */
  lost: number
  /** The longest that a webhook takes, milliseconds. */
  slowest: number
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
  const { lost, slowest, repeated = false, killShare = 0, api = {}, ...model } = setting
  const random = randomFrom(seed + 3)
  const delayOf = (_: PromptWebhook) => (random() < lost ? null : Math.floor(random() * slowest))
  const world = lookWorld(store, { seed, delayOf: () => null, ...model })
  for (let i = 0; i < random() * 12; i++) world.edit()
  // What has not changed for a while is stored as it is listed.
  if (random() < 0.5) world.model.clock.at += 60 * minute
  await world.pass(10 * minute)
  const before = new Map(structuredClone([...world.model.prompts]))
  Object.assign(world.api.knobs, api)
  world.killShare = killShare
  world.delayOf = (event) => delayOf(event)
  const kinds: EditKind[] = []
  for (let i = 0; i < edits; i++) {
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

/** Who only reads what is reported: versions and holders by prompt. What a comparison found must be news. */
function follow(before: ReadonlyMap<string, readonly ModelVersion[]>, reports: readonly Report[]): string[] {
  const versions = new Map<string, Set<number>>()
  const holders = new Map<string, Map<string, number>>()
  const own = (name: string) => {
    versions.set(name, versions.get(name) ?? new Set())
    holders.set(name, holders.get(name) ?? new Map())
    return { has: versions.get(name) as Set<number>, holds: holders.get(name) as Map<string, number> }
  }
  for (const [name, all] of before)
    for (const { version, labels } of all) {
      own(name).has.add(version)
      for (const label of labels) if (label !== 'latest') own(name).holds.set(label, version)
    }
  for (const { subject, facts, isFound } of reports) {
    const { has, holds } = own(subject)
    const isNews = (is: boolean, fact: Fact) => {
      if (!is && isFound) throw new Error(`No news: ${subject} ${JSON.stringify(fact)}`)
    }
    for (const fact of facts) {
      if (fact.kind === 'deleted')
        for (const version of fact.versions) {
          isNews(has.delete(version), fact)
          for (const [label, holder] of holds) if (holder === version) holds.delete(label)
        }
    }
    for (const fact of facts) {
      if (fact.kind === 'version-created') {
        // It may have been deleted and created again.
        has.add(fact.version)
        for (const [label, holder] of holds) if (holder === fact.version) holds.delete(label)
      } else if (fact.kind === 'first-seen') {
        // Its creation was lost, or is late.
        has.add(fact.version)
        for (const label of fact.labels) if (label !== 'latest') holds.set(label, fact.version)
      } else if ('to' in fact && 'label' in fact && fact.label !== 'latest') {
        isNews(holds.get(fact.label) !== fact.to, fact)
        has.add(fact.to)
        holds.set(fact.label, fact.to)
      } else if (fact.kind === 'label-removed') {
        isNews(holds.get(fact.label) === fact.from, fact)
        holds.delete(fact.label)
      }
    }
  }
  return [...versions]
    .flatMap(([name, all]) =>
      [...all].map((version) => {
        const labels = [...(holders.get(name) ?? [])].flatMap(([label, holder]) =>
          holder === version ? [label] : [],
        )
        return `${name} v${version} [${labels.toSorted().join()}]`
      }),
    )
    .toSorted()
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
      const [read, so] = [follow(before, await reportsOf(world)), followed(world)]
      expect(labelled(read)).toEqual(labelled(so))
      expect(so).toEqual(expect.arrayContaining(read))
    })
  })

  it('with webhooks lost, late and repeated, a relay that is killed, and an API that fails, the state is the same in the end', async () => {
    await forSeeds(async (seed) => {
      const lost = (seed % 11) / 10
      const { world, before } = await play(store, seed, {
        ...{ lost, slowest: 20 * minute, repeated: true, killShare: 0.02, oddConfigs: 0.1 },
        pods: seed % 3 === 0 ? [0, 24 * 60 * minute, -30 * minute] : [0],
        api: { faults, edits: 0.05, version: seed % 2 === 0 ? 'v4' : 'v3', latency: [20, 400] },
      })
      expect(await world.known()).toEqual(world.truth())
      expect(labelled(follow(before, await reportsOf(world)))).toEqual(labelled(followed(world)))
    })
  })
})
