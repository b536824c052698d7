import type { Fact, VersionState } from '../change/change.ts'
import { factKinds } from '../change/kinds.ts'
import { hasKnownTags, isCreated, isStranger, type Merged } from './merge.ts'

/** What other sources than the change's events say about labels. */
export interface LabelNews {
  /** Labels that no version has, according to Langfuse's API. */
  carriedByNone: ReadonlySet<string>
  /** Labels that had moved from a version to one that is not known. */
  strayed: ReadonlySet<string>
}

/** The facts of a change: the difference between a prompt's state before (`merged.known`) and after. */
export function factsOf(merged: Merged, after: readonly VersionState[], news: LabelNews): Fact[] {
  const live = after.filter(({ deleted }) => !deleted)
  const facts = [
    ...deletedFacts(merged, after),
    ...createdFacts(merged, live),
    ...labelFacts(merged, after, news),
    ...latestFacts(merged, live),
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
  // A prompt that is older than the relay may have versions that are not known. Where known versions were not read
  // (`versionsFor`), a live one is among those that were.
  const whole = isComplete(after.map(({ version }) => version)) && after.every((state) => state.deleted)
  return [{ kind: 'deleted', versions, labels: [...new Set(carried)], whole }]
}

/** Whether every version up to the highest of these is known, deleted or not. `unread`: how many others are known. */
export const isComplete = (versions: readonly number[], unread = 0): boolean =>
  versions.length + unread === Math.max(0, ...versions)

function createdFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  return live
    .filter((state) => isStranger(merged, state) && isCreated(merged, state))
    .map(({ version, labels }): Fact => ({ kind: 'version-created', version, labels }))
    .toReversed()
}

/** The first version with each label. */
function holdersOf(states: readonly VersionState[]): Map<string, VersionState> {
  const holders = new Map<string, VersionState>()
  for (const state of states)
    for (const label of state.labels) if (!holders.has(label)) holders.set(label, state)
  return holders
}

/** Up to this many labels are sorted by name; more stay in the order of their versions. */
const maxSorted = 10_000

const firstOf = (labels: readonly string[], first: string): string[] =>
  labels.includes(first) ? [first, ...labels.filter((label) => label !== first)] : [...labels]

/** Without `latest`, which goes to each new version by itself, and moves without an event when its version is deleted. */
function labelFacts(merged: Merged, after: readonly VersionState[], news: LabelNews): Fact[] {
  const before = holdersOf(merged.known)
  const now = holdersOf(after.filter(({ deleted }) => !deleted))
  const died = new Set([...merged.deleted.values()].flat())
  const labels = [...now.keys(), ...[...before.keys()].filter((label) => !now.has(label))].filter(
    (label) => label !== 'latest',
  )
  const productionFirst = (a: string, b: string): number =>
    Number(b === 'production') - Number(a === 'production') || (a < b ? -1 : 1)
  const isInDoubt = mayBeGone(merged)
  const doubtOf = whereabouts(merged, after)
  // No one reads so many in order, and sorting them would take longer than everything else.
  const inOrder = labels.length > maxSorted ? firstOf(labels, 'production') : labels.toSorted(productionFirst)
  return inOrder.flatMap((label): Fact[] => {
    const [from, to] = [before.get(label), now.get(label)]
    if (to) return gainFacts(merged, label, { from, to, isInDoubt }, news)
    if (!from || died.has(label)) return []
    const fact: Fact = { kind: 'label-removed', label, from: from.version }
    const doubt = news.carriedByNone.has(label) ? null : doubtOf(from)
    return [doubt === null ? fact : { ...fact, now: doubt }]
  })
}

/**
 * A new version gets the highest number. Where a higher one is known that the change does not mention, either that one was
 * deleted without an event, or the event of the new one is late. What is known of the higher one is then in doubt.
 */
function mayBeGone(merged: Merged): (state: VersionState) => boolean {
  const created = merged.fresh.filter(
    (event) => event.action === 'created' && merged.strangers.has(event.version),
  )
  const lowest = created.reduce((least, { version }) => Math.min(least, version), Number.POSITIVE_INFINITY)
  return ({ version }) => version > lowest && merged.rows.get(version)?.event === null
}

interface Move {
  from: VersionState | undefined
  to: VersionState
  isInDoubt: (state: VersionState) => boolean
}

function gainFacts(
  merged: Merged,
  label: string,
  { from, to, isInDoubt }: Move,
  { strayed }: LabelNews,
): Fact[] {
  if (from?.version === to.version) return []
  const isNew = isStranger(merged, to) && isCreated(merged, to)
  if (from && !(isNew && isInDoubt(from))) {
    const kind = to.version > from.version ? 'promoted' : 'rolled-back'
    return [{ kind, label, from: from.version, to: to.version }]
  }
  // Since when a version seen for the first time has had the label is not known.
  const isReported = isNew || !isStranger(merged, to) || strayed.has(label)
  return isReported ? [{ kind: 'label-added', label, to: to.version }] : []
}

/**
 * Where a label that left a version may be, given that events may be missing; null: on no version, since no other can
 * exist.
 */
function whereabouts(
  { known }: Merged,
  after: readonly VersionState[],
): (from: VersionState) => 'unknown' | 'newer' | null {
  const live = after.filter(({ deleted }) => !deleted)
  const holdsLatest = ({ labels }: VersionState): boolean => labels.includes('latest')
  const hadLatest = known.find(holdsLatest)?.version
  // Only a newer version takes `latest` from a version that still exists.
  if (live.some(({ version }) => version === hadLatest) && !live.some(holdsLatest)) return () => 'newer'
  const mayBeThere = after.filter(({ deleted, presumed }) => !deleted || presumed)
  const [only, ...others] = mayBeThere
  const isAlone = only !== undefined && others.length === 0 && holdsLatest(only)
  const knowsAll = isAlone && isComplete(after.map(({ version }) => version))
  return ({ version }) => (knowsAll && only.version === version ? null : 'unknown')
}

/** A form opened earlier can save `latest` on an older version again; reported only where both events say so. */
function latestFacts({ known, rows }: Merged, live: readonly VersionState[]): Fact[] {
  const holdsLatest = ({ labels }: VersionState): boolean => labels.includes('latest')
  const [from, to] = [known.find(holdsLatest)?.version, live.find(holdsLatest)?.version]
  if (from === undefined || to === undefined || to >= from) return []
  const loser = rows.get(from)
  const isSeen = loser?.event && !loser.state.deleted && rows.get(to)?.event?.action === 'updated'
  return isSeen ? [{ kind: 'rolled-back', label: 'latest', from, to }] : []
}

function tagFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  const isInDoubt = mayBeGone(merged)
  const before = merged.known.find((state) => hasKnownTags(state) && !isInDoubt(state))?.tags
  const after = live[0]?.tags
  if (!before || !after) return []
  const [had, has] = [new Set(before), new Set(after)]
  const added = after.filter((tag) => !had.has(tag))
  const removed = before.filter((tag) => !has.has(tag))
  return added.length + removed.length > 0 ? [{ kind: 'tags-changed', added, removed }] : []
}

/** Only where no other fact explains the events: a version that loses `latest` to a new one is not news. */
function firstSeenFacts(merged: Merged, live: readonly VersionState[]): Fact[] {
  const unknown = live.filter((state) => isStranger(merged, state)).toReversed()
  const labelled = unknown.filter(({ labels }) => labels.length > 0)
  return (labelled.length > 0 ? labelled : unknown.slice(0, 1)).map(({ version, labels }) => ({
    kind: 'first-seen',
    version,
    labels,
  }))
}
