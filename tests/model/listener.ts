import type { Fact, FactKind } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { Happened, ModelVersion } from './edits.ts'

/** A fact and whose doing it is; `undefined`: of what nobody did just then. */
export interface ExpectedFact {
  fact: Fact
  by: string | null | undefined
}

export interface Expected {
  kind: FactKind
  /** In no particular order. */
  facts: ExpectedFact[]
  version: number
  /** Of the last edit. */
  actor: string | null
}

/** One edit, as it was when it was made, and who made it. */
export interface Deed {
  happened: Happened
  actor: string | null
}

interface HeardVersion {
  id: string
  /** Its last update that an event told. */
  at: number
}

/** What is known of one prompt by whoever heard every event; silent deletions are not among them. */
interface Heard {
  live: Map<number, HeardVersion>
  /** Every number that was ever heard of. */
  numbers: Set<number>
  /** Holder by label, without `latest`. */
  holders: Map<string, number>
  latest: number | null
  /** Numbers of versions whose deletion is inferred. */
  presumed: Set<number>
  /** Labels that left a version, and may be where no event told. */
  strayed: Set<string>
  tags: string[]
}

/** Whose doing what was, by what is written as a key. */
interface Doers {
  created: Map<number, string | null>
  deleted: Map<number, string | null>
  gained: Map<string, { by: string | null; isRevealed: boolean }>
  lost: Map<string, string | null>
  added: Map<string, string | null>
  removed: Map<string, string | null>
}

/** Of what is closer together than this, it is not known which was first. */
const surelyApartMs = 10 * 60_000

/** Says of the edits of one time what can be said of them together by one who heard all events so far. */
export function createListener(): (deeds: readonly Deed[]) => Expected {
  const prompts = new Map<string, Heard>()
  return (deeds) => {
    const last = deeds.at(-1)
    if (!last) throw new Error('Nothing happened')
    const { name, version } = last.happened
    const heard = prompts.get(name) ?? {
      live: new Map(),
      numbers: new Set(),
      holders: new Map(),
      latest: null,
      presumed: new Set(),
      strayed: new Set(),
      tags: [],
    }
    prompts.set(name, heard)
    forgetSilentlyDeleted(heard, deeds)
    const before = structuredClone(heard)
    const doers: Doers = {
      created: new Map(),
      deleted: new Map(),
      gained: new Map(),
      lost: new Map(),
      added: new Map(),
      removed: new Map(),
    }
    for (const deed of deeds) hear(heard, doers, deed, before.strayed)
    forgetReplaced(before, heard)
    const facts = [
      ...deletedFacts(heard, doers, deeds),
      ...createdFacts(heard, doers, deeds),
      ...labelFacts(before, heard, doers, deeds),
      ...latestFacts(before, deeds),
      ...(hasTags(before, heard, deeds) ? tagFacts(before, heard, doers) : []),
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

/** A new version gets the number after the highest live one, so nothing from there on was left when it was created. */
function forgetSilentlyDeleted(heard: Heard, deeds: readonly Deed[]): void {
  const { live, holders, presumed } = heard
  const spoken = new Set(spokenOf(deeds).map(({ id }) => id))
  const created = deeds.flatMap(({ happened }) => happened.created)
  const isGone = (version: number, { id, at }: HeardVersion): boolean =>
    !spoken.has(id) &&
    created.some(
      (one) => one.version === version || (one.version < version && one.createdAt - at > surelyApartMs),
    )
  for (const [version, one] of [...live]) {
    if (!isGone(version, one)) continue
    live.delete(version)
    presumed.add(version)
    if (heard.latest === version) heard.latest = null
    for (const [label, holder] of [...holders]) if (holder === version) holders.delete(label)
  }
}

/** A version that was deleted, and whose number came again, is no state before. */
const isReplaced = (before: Heard, { live }: Heard, version: number): boolean =>
  live.has(version) && live.get(version)?.id !== before.live.get(version)?.id

function forgetReplaced(before: Heard, heard: Heard): void {
  for (const [label, version] of [...before.holders])
    if (isReplaced(before, heard, version)) before.holders.delete(label)
}

/** Whether anything before tells the tags: not what may have been gone when a lower number was created. */
function hasTags(before: Heard, heard: Heard, deeds: readonly Deed[]): boolean {
  const lowest = Math.min(...deeds.flatMap(({ happened }) => happened.created.map(({ version }) => version)))
  const spoken = new Set(spokenOf(deeds).map(({ id }) => id))
  return [...before.live].some(
    ([version, { id }]) => !isReplaced(before, heard, version) && (version < lowest || spoken.has(id)),
  )
}

function hear(heard: Heard, doers: Doers, { happened, actor }: Deed, strayed: ReadonlySet<string>): void {
  const { created, updated, deleted, gained, lost } = happened
  for (const one of [...created, ...updated]) {
    heard.presumed.delete(one.version)
    heard.live.set(one.version, { id: one.id, at: one.updatedAt })
    heard.numbers.add(one.version)
    if (one.labels.includes('latest')) heard.latest = one.version
    else if (heard.latest === one.version) heard.latest = null
  }
  for (const { version } of created) doers.created.set(version, actor)
  for (const { label, from } of lost) {
    doers.lost.set(`${from} ${label}`, actor)
    heard.holders.delete(label)
  }
  for (const { label, to } of gained) {
    const from = heard.holders.get(label)
    if (from !== undefined) doers.lost.set(`${from} ${label}`, actor)
    // Another change of the same version explains its event as well.
    const others = gained.filter((one) => one.to === to && !strayed.has(one.label)).length + lost.length
    const isNew = created.some(({ version }) => version === to)
    doers.gained.set(`${to} ${label}`, { by: actor, isRevealed: !isNew && strayed.has(label) && others > 0 })
    heard.holders.set(label, to)
  }
  hearTags(heard, doers, { happened, actor })
  for (const { version, labels } of deleted) {
    doers.deleted.set(version, actor)
    heard.live.delete(version)
    if (heard.latest === version) heard.latest = null
    for (const label of labels) if (heard.holders.get(label) === version) heard.holders.delete(label)
  }
}

function hearTags(heard: Heard, doers: Doers, { happened: { created, updated }, actor }: Deed): void {
  const tags = (created[0] ?? updated[0])?.tags ?? heard.tags
  for (const tag of tags) if (!heard.tags.includes(tag)) doers.added.set(tag, actor)
  for (const tag of heard.tags) if (!tags.includes(tag)) doers.removed.set(tag, actor)
  heard.tags = tags
}

/** By the people that did them: each has a fact of their own. */
function byPeople<T>(
  items: readonly T[],
  doers: ReadonlyMap<T, string | null>,
  factOf: (own: T[]) => Fact,
): ExpectedFact[] {
  const groups = Map.groupBy(items, (item) => doers.get(item))
  return [...groups].map(([by, own]) => ({ fact: factOf(own), by }))
}

function deletedFacts({ live, numbers }: Heard, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const deleted = deeds.flatMap(({ happened }) => happened.deleted)
  if (deleted.length === 0) return []
  // A copied prompt may start with a gap, which to a listener could be versions from before its time.
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

function createdFacts({ live }: Heard, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const spoken = new Map(spokenOf(deeds).map((one) => [one.id, one]))
  const alive = deeds
    .flatMap(({ happened }) => happened.created)
    .filter(({ version, id }) => live.get(version)?.id === id)
  return alive.map(({ version, id }) => ({
    fact: { kind: 'version-created', version, labels: [...(spoken.get(id)?.labels ?? [])] },
    by: doers.created.get(version),
  }))
}

function labelFacts(before: Heard, heard: Heard, doers: Doers, deeds: readonly Deed[]): ExpectedFact[] {
  const died = new Set(deeds.flatMap(({ happened }) => happened.deleted.flatMap(({ labels }) => labels)))
  const lowest = Math.min(...doers.created.keys())
  const spoken = new Set(spokenOf(deeds).map(({ version }) => version))
  const labels = new Set([...before.holders.keys(), ...heard.holders.keys()])
  return [...labels].flatMap((label): ExpectedFact[] => {
    const [from, to] = [before.holders.get(label), heard.holders.get(label)]
    if (from === to) return []
    if (to === undefined) {
      if (from === undefined || died.has(label)) return []
      const knowsAll = heard.presumed.size === 0 && heard.numbers.size === Math.max(...heard.numbers)
      const isAlone = knowsAll && heard.live.size === 1 && heard.latest === from
      if (!isAlone) heard.strayed.add(label)
      const fact: Fact = { kind: 'label-removed', label, from, ...(!isAlone && { now: 'unknown' as const }) }
      return [{ fact, by: doers.lost.get(`${from} ${label}`) }]
    }
    const doer = doers.gained.get(`${to} ${label}`)
    heard.strayed.delete(label)
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

/** Who had `latest` is not known where its holder was deleted: nobody told who inherited it. */
function latestFacts({ latest }: Heard, deeds: readonly Deed[]): ExpectedFact[] {
  return deeds.flatMap(({ happened: { latestBack }, actor }) =>
    latestBack && latestBack.from === latest
      ? [{ fact: { kind: 'rolled-back', label: 'latest', ...latestBack } as const, by: actor }]
      : [],
  )
}

function tagFacts(before: Heard, { live, tags }: Heard, doers: Doers): ExpectedFact[] {
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
