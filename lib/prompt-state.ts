import type { Fact, StoredPromptEvent, VersionState } from './change.ts'
import { factsOf, isComplete } from './prompt-facts.ts'
import { isCreated, isStranger, type Merged, merge, reconcile } from './prompt-merge.ts'

export interface Fold {
  /** The versions, deleted ones too, by number. */
  after: VersionState[]
  /** Versions whose row must be written. */
  touched: number[]
  /** Most telling first; never empty. */
  facts: Fact[]
  /** The version that the change is mostly about. */
  version: number
  /** The newest event of that version; null when only events older than the known state spoke of it. */
  eventId: string | null
  /** That version's labels before; null when it was new or unknown. */
  labelsBefore: string[] | null
  /** A name, else an address; `API` for what was done through Langfuse's API; null when nobody knows. */
  actor: string | null
  /** Ids of events older than the known state, which therefore changed nothing. */
  stale: string[]
}

/**
 * Folds the events of one change (at least one) into a prompt's last known state, or as much of it as they concern
 * (`versionsFor`). The change is the difference between before and after, whatever the order of the events, and however
 * often they came.
 */
export function foldPrompt(before: readonly VersionState[], events: readonly StoredPromptEvent[]): Fold {
  const merged = merge(before, events)
  const after = reconcile(merged.rows.values())
  const untouched = new Set(before)
  const facts = factsOf(merged, after)
  const version = mainVersion(facts, merged.fresh.length > 0 ? merged.fresh : events)
  const event = merged.rows.get(version)?.event ?? null
  return {
    after,
    touched: after.filter((state) => !untouched.has(state)).map(({ version }) => version),
    facts,
    version,
    eventId: event?.eventId ?? null,
    labelsBefore: merged.known.find((state) => state.version === version)?.labels ?? null,
    actor: actorOf(event ?? events.find((one) => one.version === version)),
    stale: merged.stale,
  }
}

function mainVersion([fact]: Fact[], events: readonly StoredPromptEvent[]): number {
  switch (fact?.kind) {
    case 'version-created':
    case 'first-seen':
      return fact.version
    case 'promoted':
    case 'rolled-back':
    case 'label-added':
      return fact.to
    case 'label-removed':
      return fact.from
    case 'deleted':
      return Math.max(...fact.versions)
    default:
      return Math.max(...events.map((event) => event.version))
  }
}

/**
 * Langfuse leaves `user` out for what its API, SDKs and MCP server do. Before v3.156 it never sent one; those
 * versions are told by the missing `createdBy`, or by one that names a person on a `created` event.
 */
function actorOf(event: StoredPromptEvent | undefined): string | null {
  if (!event) return null
  const { user, createdBy, action } = event
  if (user) return user.name || user.email || null
  if (createdBy === undefined) return null
  return action !== 'created' || createdBy === 'API' ? 'API' : null
}

/**
 * Whether more events of the same edit are to be expected, as far as the known state tells: the old holder of
 * each label that moved, the new holder of each that was lost, every version when tags changed, further
 * deletions. False: nothing is missing, the change can be told now. `unread`: how many versions are known beside these.
 */
export function awaitsCounterpart(
  before: readonly VersionState[],
  events: readonly StoredPromptEvent[],
  unread = 0,
): boolean {
  const merged = merge(before, events)
  // Without gaps, so that a label that no known version held was held by none.
  const knowsAll = isComplete([...merged.rows.keys()], unread)
  const awaits = [showsNothing, awaitsDeletions, awaitsOldLatest, awaitsLabels, awaitsTags]
  return awaits.some((holds) => holds(merged, knowsAll))
}

/** So far: the half of an edit that only says that a version lost what it was not known to have. */
const showsNothing = (merged: Merged): boolean =>
  factsOf(merged, reconcile(merged.rows.values())).every(({ kind }) => kind === 'unchanged')

const live = ({ rows }: Merged): VersionState[] =>
  [...rows.values()].flatMap(({ state }) => (state.deleted ? [] : [state]))

/** A prompt is deleted version by version. */
const awaitsDeletions = (merged: Merged, knowsAll: boolean): boolean =>
  merged.deleted.size > 0 && (live(merged).length > 0 || !knowsAll)

/** A version that nothing was known of, or a new one of which it is not known who held `latest` before. */
function awaitsOldLatest(merged: Merged): boolean {
  const versions = live(merged)
  const holdsLatest = ({ labels }: VersionState): boolean => labels.includes('latest')
  // One version always does: this may be what it lost to a new one, or a copied prompt's first event.
  if (versions.length > 0 && !versions.some(holdsLatest)) return true
  const strangers = versions.filter((state) => isStranger(merged, state))
  return strangers.some((state) => {
    if (!isCreated(merged, state)) return true
    if (state.version === 1) return false
    // The highest before it had `latest`, even where its holder was deleted and nobody told who inherited.
    const heir = merged.known.findLast(({ version }) => version < state.version)
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
