import type {
  ChangeDetail,
  Fact,
  ReconciledState,
  StoredPromptEvent,
  VersionState,
} from '../change/change.ts'
import { type Fold, foldPrompt } from './fold.ts'

type Event = Pick<StoredPromptEvent, 'action' | 'version' | 'promptId' | 'updatedAt' | 'reconciled'>

/** Whether a webhook reports the same update of the same version as a comparison, so that this was no news after all. */
function isSameUpdate(found: Event, { action, version, promptId, updatedAt, reconciled }: Event): boolean {
  if (reconciled !== undefined || version !== found.version) return false
  if (promptId !== undefined && found.promptId !== undefined && promptId !== found.promptId) return false
  return found.action === 'deleted'
    ? action === 'deleted'
    : action !== 'deleted' && updatedAt !== undefined && updatedAt === found.updatedAt
}

/** The events of a change without what a comparison found and a webhook that arrived with it reports as well. */
export const withoutExplained = <T>(events: readonly T[], of: (event: T) => Event): T[] => {
  const webhooks = events.map(of).filter(({ reconciled }) => reconciled === undefined)
  const isExplained = (found: Event): boolean =>
    found.reconciled !== undefined && webhooks.some((webhook) => isSameUpdate(found, webhook))
  return events.filter((event) => !isExplained(of(event)))
}

/** Versions whose states before and after are kept. */
const maxVersions = 20

const stateOf = (states: readonly VersionState[], version: number): ReconciledState | null => {
  const state = states.find((one) => one.version === version && !one.deleted)
  return state ? { labels: state.labels, tags: state.tags } : null
}

/** When what a comparison found happened, what was known before, and what Langfuse says. Undefined: it found nothing. */
export function reconciledOf(
  events: readonly Event[],
  before: readonly VersionState[],
  { after, version: main }: Pick<Fold, 'after' | 'version'>,
): ChangeDetail['reconciled'] {
  const found = events.flatMap((event) => (event.reconciled ? [{ ...event, ...event.reconciled }] : []))
  if (found.length === 0) return undefined
  const known = found.map(({ knownAt }) => knownAt)
  const from = known.reduce((least, at) => (least === null || at === null ? null : Math.min(least, at)))
  // A version that is gone has the time of its last update.
  const times = found.map(({ action, updatedAt, readAt }) =>
    action === 'deleted' ? readAt : (updatedAt ?? readAt),
  )
  const numbers = [...new Set(found.map(({ version }) => version))].toSorted(
    (a, b) => Number(b === main) - Number(a === main) || a - b,
  )
  const shown = numbers.slice(0, maxVersions)
  return {
    from,
    to: times.reduce((last, at) => Math.max(last, at), from ?? 0),
    versions: shown.map((version) => ({
      version,
      before: stateOf(before, version),
      after: stateOf(after, version),
    })),
    ...(numbers.length > shown.length && { omitted: numbers.length - shown.length }),
  }
}

type Late = NonNullable<NonNullable<ChangeDetail['reconciled']>['late']>
type LateNews = Omit<Late, 'changeId'>

function isSameFact(a: Fact, b: Fact): boolean {
  // Which version had the label before is not known of versions that were not compared.
  if ('to' in a && 'to' in b) return a.label === b.label && a.to === b.to
  if (a.kind === 'version-created' && b.kind === a.kind) return a.version === b.version
  if (a.kind === 'label-removed' && b.kind === a.kind) return a.label === b.label && a.from === b.from
  if (a.kind === 'deleted' && b.kind === a.kind) return a.versions.some((one) => b.versions.includes(one))
  if (a.kind !== 'tags-changed' || b.kind !== a.kind) return false
  return [...a.added, ...a.removed].some((tag) => b.added.includes(tag) || b.removed.includes(tag))
}

/** Whether the state that an event reports is what a fact brought about. Null: the event is about another version. */
function shows({ action, version, labels, tags = [] }: StoredPromptEvent, fact: Fact): boolean | null {
  if (fact.kind === 'deleted') return fact.versions.includes(version) ? action === 'deleted' : null
  if (fact.kind === 'version-created') return fact.version === version ? action === 'created' : null
  if (fact.kind === 'tags-changed') {
    const has = new Set(tags)
    return fact.added.every((tag) => has.has(tag)) && !fact.removed.some((tag) => has.has(tag))
  }
  if ('to' in fact) return fact.to === version ? labels?.includes(fact.label) === true : null
  return 'from' in fact && fact.from === version ? labels?.includes(fact.label) === false : null
}

/** Clocks of Langfuse and of the relay may be apart by this much, milliseconds. */
const clocksMs = 10 * 60_000

/** A version as it was known before the comparison: anything is newer. */
const knownState = (version: number, { labels, tags }: ReconciledState): VersionState => ({
  ...{ version, promptId: null, labels, tags, promptType: null, commitMessage: null, createdBy: null },
  ...{ updatedAt: 0, deleted: false },
})

/**
 * What webhooks that came late say of a reconciled change: who did it, and when. Null: they are about another edit, or say
 * nothing new. The change's main fact counts most, and of several edits with that outcome, the last.
 */
export function lateNews(
  { facts, reconciled }: Pick<ChangeDetail, 'facts' | 'reconciled'>,
  webhooks: readonly StoredPromptEvent[],
): LateNews | null {
  if (!reconciled) return null
  const { from, to, late, versions = [] } = reconciled
  // The webhook of a deletion has no time of its own but that of its sending, which may be much later.
  const timeOf = ({ action, updatedAt, occurredAt }: StoredPromptEvent): number =>
    action === 'deleted' ? Math.min(occurredAt, to) : (updatedAt ?? occurredAt)
  const within = webhooks
    .filter((event) => {
      const at = timeOf(event)
      return event.reconciled === undefined && at <= to && (from === null || at >= from - clocksMs)
    })
    .toSorted((a, b) => timeOf(a) - timeOf(b))
  if (within.length === 0) return null
  const before = versions.flatMap(({ version, before }) => (before ? [knownState(version, before)] : []))
  const shown = foldPrompt(before, within)
  const found = shown.facts.flatMap((fact): LateNews[] => {
    const place = facts.findIndex((one) => isSameFact(one, fact))
    if (place < 0 || ('revealed' in fact && fact.revealed === true)) return []
    const by = 'by' in fact && fact.by !== undefined ? fact.by : shown.actor
    return [{ by, at: lastBegin(fact, within, timeOf) ?? to, ...(place > 0 && { isPartial: true as const }) }]
  })
  // All times are far below this.
  const rank = ({ at, isPartial }: LateNews): number => at + (isPartial ? 0 : 1e15)
  const best = found.toSorted((a, b) => rank(b) - rank(a))[0]
  return best && (!late || rank(best) > rank(late)) ? best : null
}

/** When a fact last became true, by events in the order of their times. */
function lastBegin(
  fact: Fact,
  events: readonly StoredPromptEvent[],
  timeOf: (event: StoredPromptEvent) => number,
): number | null {
  let [began, holds]: [number | null, boolean] = [null, false]
  for (const event of events) {
    const now = shows(event, fact)
    if (now === null) continue
    if (now && !holds) began = timeOf(event)
    holds = now
  }
  return began
}
