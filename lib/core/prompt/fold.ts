import type { Fact, StoredPromptEvent, VersionState } from '../change/change.ts'
import { type Attributed, actorOf, attribute, crossings, stepsOf } from './attribution.ts'
import { factsOf } from './facts.ts'
import { type Merged, merge, withoutContradictions } from './merge.ts'

export interface PromptKey {
  projectId: string
  name: string
}

/** A version's text (string, chat array, any JSON) and config. */
export interface VersionContent {
  text: unknown
  config: unknown
}

export interface Fold {
  /** The versions, deleted ones too, by number. */
  after: VersionState[]
  /** Versions whose rows must be written. */
  touched: number[]
  /** Most important first; never empty. */
  facts: Fact[]
  /** The version that the change is mostly about. */
  version: number
  /** The newest event of that version; null: only events older than the known state mention it. */
  eventId: string | null
  /** That version's labels before; null: it was new or unknown. */
  labelsBefore: string[] | null
  /** The author of the first fact: a name or an e-mail address; `API`: Langfuse's API; null: not known. */
  actor: string | null
  /** What several people did in turn and the facts do not show, each with `by`. */
  steps: Fact[]
  /** Labels that no known version had before, and one has now. */
  regained: string[]
  /** Ids of events older than the known state, which changed nothing. */
  stale: string[]
}

/** What Langfuse's API said of a label. `holder` null: no version has it. */
export interface LabelRead {
  label: string
  holder: StoredPromptEvent | null
}

/**
 * Folds the events of one change (at least one) into a prompt's known state, or into the part of it that they concern
 * (`versionsFor`). The change is the difference between before and after, whatever the order of the events and their repeats.
 */
export function foldPrompt(
  before: readonly VersionState[],
  events: readonly StoredPromptEvent[],
  reads: readonly LabelRead[] = [],
): Fold {
  const merged = merge(before, [...events, ...reads.flatMap(({ holder }) => holder ?? [])])
  const carriedByNone = new Set(reads.flatMap(({ label, holder }) => (holder ? [] : [label])))
  const strayed = new Set(before.flatMap((state) => state.strayed ?? []))
  const states = withoutContradictions(merged)
  const steps = stepsOf(merged)
  const found = attribute(factsOf(merged, states, { carriedByNone, strayed }), steps, strayed)
  const version = mainVersion(found[0]?.fact, merged.fresh.length > 0 ? merged.fresh : events)
  const event = merged.rows.get(version)?.event ?? null
  const main = mainActor(found)
  const actor = main === undefined ? actorOf(event ?? events.find((one) => one.version === version)) : main
  const facts = found.map(({ fact, by }) =>
    by === undefined || by === actor || isRevealed(fact) ? fact : { ...fact, by },
  )
  const after = withStrayed(states, facts, carriedByNone)
  const untouched = new Set(before)
  return {
    after,
    touched: after.filter((state) => !untouched.has(state)).map(({ version }) => version),
    facts,
    version,
    eventId: event && !event.isRead ? event.eventId : null,
    labelsBefore: merged.known.find((state) => state.version === version)?.labels ?? null,
    actor,
    steps: crossings(steps, merged),
    regained: regainedLabels(merged, after),
    stale: merged.stale,
  }
}

const isRevealed = (fact: Fact): boolean => 'revealed' in fact && fact.revealed === true

/** Undefined: no event says who did any of it. */
function mainActor(found: readonly Attributed[]): string | null | undefined {
  const own = found.find(({ fact, by }) => by !== undefined && !isRevealed(fact))
  if (own) return own.by
  return found.some(({ fact }) => isRevealed(fact)) ? null : undefined
}

/** For one version; `production` is the first of its facts. */
const maxStrayed = 100

/** Keeps which version each label left for an unknown one, until a version is known to have it. */
function withStrayed(
  states: VersionState[],
  facts: readonly Fact[],
  carriedByNone: ReadonlySet<string>,
): VersionState[] {
  if (facts.every((fact) => fact.kind !== 'label-removed') && states.every(({ strayed }) => !strayed))
    return states
  const found = new Set(states.flatMap(({ deleted, labels }) => (deleted ? [] : labels)))
  const left = new Map<number, string[]>()
  for (const fact of facts)
    if (fact.kind === 'label-removed' && fact.now !== undefined)
      left
        .set(fact.from, left.get(fact.from) ?? [])
        .get(fact.from)
        ?.push(fact.label)
  return states.map((state) => {
    const { strayed = [], ...rest } = state
    const kept = strayed.filter((label) => !found.has(label) && !carriedByNone.has(label))
    const now = [...new Set([...kept, ...(left.get(state.version) ?? [])])].slice(0, maxStrayed)
    const had = new Set(strayed)
    if (now.length === strayed.length && now.every((label) => had.has(label))) return state
    return now.length === 0 ? rest : { ...rest, strayed: now }
  })
}

function regainedLabels({ known }: Merged, after: readonly VersionState[]): string[] {
  const held = new Set(known.flatMap(({ labels }) => labels))
  const now = after.flatMap(({ deleted, labels }) => (deleted ? [] : labels))
  return now.filter((label) => !held.has(label))
}

function mainVersion(fact: Fact | undefined, events: readonly StoredPromptEvent[]): number {
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
