import type { StoredPromptEvent, VersionState } from '../change/change.ts'
import { factsOf, isComplete } from './facts.ts'
import { isCreated, isStranger, type Merged, merge, withoutContradictions } from './merge.ts'

/**
 * Whether more events of the same edit should arrive, judging by the known state: the old holder of each label that moved, the
 * new holder of each that was lost, every version when tags changed, further deletions. False: nothing is missing, so the
 * change can settle now. `unread`: how many other versions are known.
 */
export function awaitsCounterpart(
  before: readonly VersionState[],
  events: readonly StoredPromptEvent[],
  unread = 0,
): boolean {
  // A comparison finds all that differs at once.
  if (events.every((event) => event.reconciled)) return false
  const merged = merge(before, events)
  // Then a label that no known version had was on none.
  const knowsAll = isComplete([...merged.rows.keys()], unread)
  const awaits = [showsNothing, awaitsDeletions, awaitsOldLatest, awaitsLabels, awaitsTags]
  return awaits.some((holds) => holds(merged, knowsAll))
}

const nothingElse = { carriedByNone: new Set<string>(), strayed: new Set<string>() }

/** So far only half of an edit: a version lost what it was not known to have. */
const showsNothing = (merged: Merged): boolean =>
  factsOf(merged, withoutContradictions(merged), nothingElse).every(({ kind }) => kind === 'unchanged')

const live = ({ rows }: Merged): VersionState[] =>
  [...rows.values()].flatMap(({ state }) => (state.deleted ? [] : [state]))

/** A prompt is deleted version by version. */
const awaitsDeletions = (merged: Merged, knowsAll: boolean): boolean =>
  merged.deleted.size > 0 && (live(merged).length > 0 || !knowsAll)

/** For a version that was not known, or a new one where it is not known which version had `latest` before. */
function awaitsOldLatest(merged: Merged): boolean {
  const versions = live(merged)
  const holdsLatest = ({ labels }: VersionState): boolean => labels.includes('latest')
  // One version always has it: this one may have lost it to a new one, or be the first of a copied prompt.
  if (versions.length > 0 && !versions.some(holdsLatest)) return true
  const strangers = versions.filter((state) => isStranger(merged, state))
  return strangers.some((state) => {
    if (!isCreated(merged, state)) return true
    if (state.version === 1) return false
    // Where no version is known to have had `latest`, its holder was deleted, and the highest got it without an event.
    const heir =
      merged.known.find(holdsLatest) ?? merged.known.findLast(({ version }) => version < state.version)
    return !heir || merged.rows.get(heir.version)?.event === null
  })
}

function awaitsLabels(merged: Merged, knowsAll: boolean): boolean {
  const labels = live(merged).flatMap((state) => state.labels)
  const held = new Set(labels)
  const heldBefore = new Set(
    merged.known.filter(({ version }) => !merged.deleted.has(version)).flatMap((state) => state.labels),
  )
  const isHeldTwice = held.size < labels.length
  const isLost = [...heldBefore].some((label) => !held.has(label))
  const isFromUnknown = labels.some((label) => !heldBefore.has(label))
  return isHeldTwice || isLost || (isFromUnknown && !knowsAll)
}

/** Tags are shared: an edit of them touches every version. */
function awaitsTags(merged: Merged, knowsAll: boolean): boolean {
  const tagsOf = ({ tags }: VersionState): string => JSON.stringify(tags.toSorted())
  const now = new Set(live(merged).map(tagsOf))
  const before = merged.known[0]
  return now.size > 1 || (before !== undefined && !now.has(tagsOf(before)) && !knowsAll)
}
