import { type Fact, factKinds, type VersionState } from './change.ts'
import { hasKnownTags, isCreated, isStranger, type Merged } from './prompt-merge.ts'

/** What is true of a change: the difference of a prompt's state before (`merged.known`) and after. */
export function factsOf(merged: Merged, after: readonly VersionState[]): Fact[] {
  const live = after.filter(({ deleted }) => !deleted)
  const facts = [
    ...deletedFacts(merged, after),
    ...createdFacts(merged, live),
    ...labelFacts(merged, live),
    ...tagFacts(merged, live),
  ]
  if (facts.length > 0) return facts.toSorted((a, b) => placeOf(a) - placeOf(b))
  const seen = firstSeenFacts(merged, live)
  return seen.length > 0 ? seen : [{ kind: 'unchanged' }]
}

const placeOf = ({ kind }: Fact): number => factKinds.indexOf(kind)

function deletedFacts({ deleted }: Merged, after: readonly VersionState[]): Fact[] {
  if (deleted.size === 0) return []
  const versions = [...deleted.keys()].toSorted((a, b) => a - b)
  const carried = versions.flatMap((version) => deleted.get(version) ?? [])
  // Of a prompt that was there before the relay, some versions may never have been heard of. Where some are known but not
  // read (`versionsFor`), a live one is among those that are.
  const whole = isComplete(after.map(({ version }) => version)) && after.every((state) => state.deleted)
  return [{ kind: 'deleted', versions, labels: [...new Set(carried)], whole }]
}

/** Whether every version up to the highest of these is known, deleted or not. `unread`: so many are known beside these. */
export const isComplete = (versions: readonly number[], unread = 0): boolean =>
  versions.length + unread === Math.max(0, ...versions)

function createdFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  return live
    .filter((state) => isStranger(merged, state) && isCreated(merged, state))
    .map(({ version, labels }): Fact => ({ kind: 'version-created', version, labels }))
    .toReversed()
}

/** `latest` is left out: it goes to each new version by itself, and moves unheard when its version is deleted. */
function labelFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  const labels = new Set([...merged.known, ...live].flatMap((state) => state.labels))
  labels.delete('latest')
  const productionFirst = (a: string, b: string): number =>
    Number(b === 'production') - Number(a === 'production') || (a < b ? -1 : 1)
  const holders = {
    before: holdersOf(merged.known),
    after: holdersOf(live),
    deleted: new Set([...merged.deleted.values()].flat()),
  }
  return [...labels].toSorted(productionFirst).flatMap((label) => labelFact(merged, holders, label) ?? [])
}

/** The first version that carries each label. */
function holdersOf(states: readonly VersionState[]): Map<string, VersionState> {
  const holders = new Map<string, VersionState>()
  for (const state of states)
    for (const label of state.labels) if (!holders.has(label)) holders.set(label, state)
  return holders
}

interface Holders {
  before: Map<string, VersionState>
  after: Map<string, VersionState>
  /** Labels that these events deleted with their versions. */
  deleted: Set<string>
}

function labelFact(merged: Merged, { before, after, deleted }: Holders, label: string): Fact | null {
  const from = before.get(label)
  const to = after.get(label)
  if (from && to && from.version !== to.version) {
    const kind = to.version > from.version ? 'promoted' : 'rolled-back'
    return { kind, label, from: from.version, to: to.version }
  }
  if (to) {
    if (from) return null
    // Of a version that is heard of for the first time, nobody knows since when it has the label.
    const isNews = !isStranger(merged, to) || isCreated(merged, to)
    return isNews ? { kind: 'label-added', label, to: to.version } : null
  }
  if (!from || deleted.has(label)) return null
  return { kind: 'label-removed', label, from: from.version }
}

function tagFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  const before = merged.known.find(hasKnownTags)?.tags
  const after = live[0]?.tags
  if (!before || !after) return []
  const [had, has] = [new Set(before), new Set(after)]
  const added = after.filter((tag) => !had.has(tag))
  const removed = before.filter((tag) => !has.has(tag))
  return added.length + removed.length > 0 ? [{ kind: 'tags-changed', added, removed }] : []
}

/** Only told when nothing else explains the events: whoever loses `latest` to a new version is no news. */
function firstSeenFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  const unknown = live.filter((state) => isStranger(merged, state)).toReversed()
  const labelled = unknown.filter(({ labels }) => labels.length > 0)
  return (labelled.length > 0 ? labelled : unknown.slice(0, 1)).map(({ version, labels }) => ({
    kind: 'first-seen',
    version,
    labels,
  }))
}
