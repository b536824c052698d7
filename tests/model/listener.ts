import type { Fact, FactKind } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { Happened, ModelVersion } from './edits.ts'

/** A fact and who brought it about; `undefined`: no one did at that time. */
export interface ExpectedFact {
  fact: Fact
  by: string | null | undefined
}

export interface Expected {
  kind: FactKind
  /** In no particular order. */
  facts: ExpectedFact[]
  version: number
  /** The author of the last edit. */
  actor: string | null
}

/** One edit as it was made, and its author. */
export interface Deed {
  happened: Happened
  actor: string | null
}

interface KnownVersion {
  id: string
  /** Its last update that was in an event. */
  at: number
}

/** What every event so far says about one prompt. Silent deletions fire no event. */
interface Known {
  live: Map<number, KnownVersion>
  /** Every number that was in an event. */
  numbers: Set<number>
  /** Holder by label, without `latest`. */
  holders: Map<string, number>
  latest: number | null
  /** Numbers of versions whose deletion is inferred. */
  presumed: Set<number>
  /** Labels that left a version for one that no event named. */
  strayed: Set<string>
  tags: string[]
}

/** Who did what, by version, label or tag. */
interface Doers {
  created: Map<number, string | null>
  deleted: Map<number, string | null>
  gained: Map<string, { by: string | null; isRevealed: boolean }>
  lost: Map<string, string | null>
  added: Map<string, string | null>
  removed: Map<string, string | null>
}

/** Of two times that are closer than this, it is not known which was first. */
const surelyApartMs = 10 * 60_000

/** Says about simultaneous edits everything that the events so far show. */
export function createListener(): (deeds: readonly Deed[]) => Expected {
  const prompts = new Map<string, Known>()
  return (deeds) => {
    const last = deeds.at(-1)
    if (!last) throw new Error('Nothing happened')
    const { name, version } = last.happened
    const known = prompts.get(name) ?? {
      live: new Map(),
      numbers: new Set(),
      holders: new Map(),
      latest: null,
      presumed: new Set(),
      strayed: new Set(),
      tags: [],
    }
    prompts.set(name, known)
    forgetSilentlyDeleted(known, deeds)
    const before = structuredClone(known)
    const doers: Doers = {
      created: new Map(),
      deleted: new Map(),
      gained: new Map(),
      lost: new Map(),
      added: new Map(),
      removed: new Map(),
    }
    for (const deed of deeds) learn(known, doers, deed, before.strayed)
    forgetReplaced(before, known)
    const facts = [
      ...deletedFacts(known, doers, deeds),
      ...createdFacts(known, doers, deeds),
      ...labelFacts(before, known, doers, deeds),
      ...latestFacts(before, deeds),
      ...(hasTags(before, known, deeds) ? tagFacts(before, known, doers) : []),
    ]
    const kind = factKinds.find((one) => facts.some(({ fact }) => fact.kind === one)) ?? 'unchanged'
    const nothing: ExpectedFact = { fact: { kind } as Fact, by: undefined }
    const spoken = spokenOf(deeds).map((one) => one.version)
    const about = last.happened.latestBack && kind === 'unchanged' ? Math.max(...spoken) : version
    return { kind, facts: facts.length > 0 ? facts : [nothing], version: about, actor: last.actor }
  }
}

/** The versions that events can tell of. */
export const spokenOf = (deeds: readonly Deed[]): ModelVersion[] =>
  deeds.flatMap(({ happened }) => [...happened.created, ...happened.updated, ...happened.deleted])

/** A new version gets the number after the highest live one, so no version from there on existed when it was created. */
function forgetSilentlyDeleted(known: Known, deeds: readonly Deed[]): void {
  const { live, holders, presumed } = known
  const spoken = new Set(spokenOf(deeds).map(({ id }) => id))
  const created = deeds.flatMap(({ happened }) => happened.created)
  const isGone = (version: number, { id, at }: KnownVersion): boolean =>
    !spoken.has(id) &&
    created.some(
      (one) => one.version === version || (one.version < version && one.createdAt - at > surelyApartMs),
    )
  for (const [version, one] of [...live]) {
    if (!isGone(version, one)) continue
    live.delete(version)
    presumed.add(version)
    if (known.latest === version) known.latest = null
    for (const [label, holder] of [...holders]) if (holder === version) holders.delete(label)
  }
}

/** A deleted version whose number was used again is not an earlier state. */
const isReplaced = (before: Known, { live }: Known, version: number): boolean =>
  live.has(version) && live.get(version)?.id !== before.live.get(version)?.id

function forgetReplaced(before: Known, known: Known): void {
  for (const [label, version] of [...before.holders])
    if (isReplaced(before, known, version)) before.holders.delete(label)
}

/** Whether the earlier state shows the tags: not if the version may have been gone when a lower number was created. */
function hasTags(before: Known, known: Known, deeds: readonly Deed[]): boolean {
  const lowest = Math.min(...deeds.flatMap(({ happened }) => happened.created.map(({ version }) => version)))
  const spoken = new Set(spokenOf(deeds).map(({ id }) => id))
  return [...before.live].some(
    ([version, { id }]) => !isReplaced(before, known, version) && (version < lowest || spoken.has(id)),
  )
}

function learn(known: Known, doers: Doers, { happened, actor }: Deed, strayed: ReadonlySet<string>): void {
  const { created, updated, deleted, gained, lost } = happened
  for (const one of [...created, ...updated]) {
    known.presumed.delete(one.version)
    known.live.set(one.version, { id: one.id, at: one.updatedAt })
    known.numbers.add(one.version)
    if (one.labels.includes('latest')) known.latest = one.version
    else if (known.latest === one.version) known.latest = null
  }
  for (const { version } of created) doers.created.set(version, actor)
  for (const { label, from } of lost) {
    doers.lost.set(`${from} ${label}`, actor)
    known.holders.delete(label)
  }
  for (const { label, to } of gained) {
    const from = known.holders.get(label)
    if (from !== undefined) doers.lost.set(`${from} ${label}`, actor)
    // Another change of the same version explains its event too.
    const others = gained.filter((one) => one.to === to && !strayed.has(one.label)).length + lost.length
    const isNew = created.some(({ version }) => version === to)
    doers.gained.set(`${to} ${label}`, { by: actor, isRevealed: !isNew && strayed.has(label) && others > 0 })
    known.holders.set(label, to)
  }
  learnTags(known, doers, { happened, actor })
  for (const { version, labels } of deleted) {
    doers.deleted.set(version, actor)
    known.live.delete(version)
    if (known.latest === version) known.latest = null
    for (const label of labels) if (known.holders.get(label) === version) known.holders.delete(label)
  }
}

function learnTags(known: Known, doers: Doers, { happened: { created, updated }, actor }: Deed): void {
  const tags = (created[0] ?? updated[0])?.tags ?? known.tags
  for (const tag of tags) if (!known.tags.includes(tag)) doers.added.set(tag, actor)
  for (const tag of known.tags) if (!tags.includes(tag)) doers.removed.set(tag, actor)
  known.tags = tags
}

/** By the people who did them: each has a separate fact. */
function byPeople<T>(
  items: readonly T[],
  doers: ReadonlyMap<T, string | null>,
  factOf: (own: T[]) => Fact,
): ExpectedFact[] {
  const groups = Map.groupBy(items, (item) => doers.get(item))
  return [...groups].map(([by, own]) => ({ fact: factOf(own), by }))
}

function deletedFacts({ live, numbers }: Known, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const deleted = deeds.flatMap(({ happened }) => happened.deleted)
  if (deleted.length === 0) return []
  // A copied prompt may start with a gap, which could be versions older than the first event.
  const whole = live.size === 0 && numbers.size === Math.max(...numbers)
  const labelsOf = (versions: number[]): string[] => [
    ...new Set(deleted.filter(({ version }) => versions.includes(version)).flatMap(({ labels }) => labels)),
  ]
  const versions = deleted.map(({ version }) => version)
  return byPeople(versions, doers.deleted, (own) => ({
    kind: 'deleted',
    versions: own,
    labels: labelsOf(own),
    whole,
  }))
}

function createdFacts({ live }: Known, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const spoken = new Map(spokenOf(deeds).map((one) => [one.id, one]))
  const alive = deeds
    .flatMap(({ happened }) => happened.created)
    .filter(({ version, id }) => live.get(version)?.id === id)
  return alive.map(({ version, id }) => ({
    fact: { kind: 'version-created', version, labels: [...(spoken.get(id)?.labels ?? [])] },
    by: doers.created.get(version),
  }))
}

function labelFacts(before: Known, known: Known, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const died = new Set(deeds.flatMap(({ happened }) => happened.deleted.flatMap(({ labels }) => labels)))
  const lowest = Math.min(...doers.created.keys())
  const spoken = new Set(spokenOf(deeds).map(({ version }) => version))
  const labels = new Set([...before.holders.keys(), ...known.holders.keys()])
  return [...labels].flatMap((label): ExpectedFact[] => {
    const [from, to] = [before.holders.get(label), known.holders.get(label)]
    if (from === to) return []
    if (to === undefined) {
      if (from === undefined || died.has(label)) return []
      const knowsAll = known.presumed.size === 0 && known.numbers.size === Math.max(...known.numbers)
      const isAlone = knowsAll && known.live.size === 1 && known.latest === from
      if (!isAlone) known.strayed.add(label)
      const fact: Fact = { kind: 'label-removed', label, from, ...(!isAlone && { now: 'unknown' as const }) }
      return [{ fact, by: doers.lost.get(`${from} ${label}`) }]
    }
    const doer = doers.gained.get(`${to} ${label}`)
    known.strayed.delete(label)
    const isGone = from !== undefined && doers.created.has(to) && from > lowest && !spoken.has(from)
    const fact: Fact =
      from === undefined || isGone
        ? { kind: 'label-added', label, to }
        : { kind: to > from ? 'promoted' : 'rolled-back', label, from, to }
    return [
      doer?.isRevealed ? { fact: { ...fact, revealed: true } as Fact, by: null } : { fact, by: doer?.by },
    ]
  })
}

/** If the holder of `latest` was deleted, no event says which version inherited it. */
function latestFacts({ latest }: Known, deeds: readonly Deed[]): ExpectedFact[] {
  return deeds.flatMap(({ happened: { latestBack }, actor }) =>
    latestBack && latestBack.from === latest
      ? [{ fact: { kind: 'rolled-back', label: 'latest', ...latestBack } as const, by: actor }]
      : [],
  )
}

function tagFacts(before: Known, { live, tags }: Known, doers: Doers): ExpectedFact[] {
  if (live.size === 0) return []
  const added = tags.filter((tag) => !before.tags.includes(tag))
  const removed = before.tags.filter((tag) => !tags.includes(tag))
  const people = new Set([
    ...added.map((tag) => doers.added.get(tag)),
    ...removed.map((tag) => doers.removed.get(tag)),
  ])
  return [...people].map((by) => ({
    fact: {
      kind: 'tags-changed',
      added: added.filter((tag) => doers.added.get(tag) === by),
      removed: removed.filter((tag) => doers.removed.get(tag) === by),
    },
    by,
  }))
}
