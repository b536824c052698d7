import type { StoredPromptEvent, VersionState } from '../change/change.ts'

/** The newest known state of one version of a prompt. */
export interface Row {
  state: VersionState
  /** When it was so, epoch milliseconds; `-Infinity`: only the flat form has mentioned it. */
  at: number
  /** The event it comes from; null: the state known before. */
  event: StoredPromptEvent | null
}

export interface Merged {
  /** By version, each as its own newest event has it. Versions may contradict each other. */
  rows: ReadonlyMap<number, Row>
  /** By label, the newest event that shows it on a version. The version may have lost it since. */
  claims: ReadonlyMap<string, { version: number; at: number }>
  /** The live versions before, by number, without those that turn out to have been deleted without an event. */
  known: VersionState[]
  /** All other versions. */
  strangers: ReadonlySet<number>
  /** The labels of versions that these events deleted. */
  deleted: ReadonlyMap<number, string[]>
  /** Events that changed the state or confirm it, oldest first. */
  fresh: StoredPromptEvent[]
  /** Ids of events older than the known state. */
  stale: string[]
}

/** Orders the events of one prompt. The flat form has no `updatedAt`, so its own time is used. */
const timeOf = (event: StoredPromptEvent): number => event.updatedAt ?? event.occurredAt

/** Version numbers repeat after a prompt is deleted and created again; ids do not. An unknown id matches any. */
function isSameRow(a: { promptId?: string | null }, b: { promptId?: string | null }): boolean {
  return (a.promptId ?? null) === null || (b.promptId ?? null) === null || a.promptId === b.promptId
}

const firstToLast = (a: StoredPromptEvent, b: StoredPromptEvent): number =>
  timeOf(a) - timeOf(b) ||
  // `deleted` carries the time of the version's last update.
  Number(a.action === 'deleted') - Number(b.action === 'deleted') ||
  (a.eventId < b.eventId ? -1 : 1)

/** What Langfuse itself answered wins over any known state: the time of that may come from a clock that is ahead. */
const isTruth = (event: StoredPromptEvent): boolean =>
  event.reconciled !== undefined && event.isOvertaken !== true

function stateAfter(event: StoredPromptEvent, before: VersionState | null): VersionState {
  const readAt = event.reconciled?.readAt ?? before?.readAt
  return {
    version: event.version,
    promptId: event.promptId ?? before?.promptId ?? null,
    labels: event.labels ?? before?.labels ?? [],
    tags: event.tags ?? before?.tags ?? [],
    promptType: event.promptType ?? before?.promptType ?? null,
    commitMessage: event.commitMessage !== undefined ? event.commitMessage : (before?.commitMessage ?? null),
    createdBy: event.createdBy ?? before?.createdBy ?? null,
    updatedAt: event.updatedAt ?? before?.updatedAt ?? null,
    deleted: event.action === 'deleted',
    ...(before?.strayed && { strayed: before.strayed }),
    ...(readAt !== undefined && { readAt }),
  }
}

/** Whether both have the same id; the flat form has none. */
const isOneRow = (a: { promptId?: string | null }, b: { promptId?: string | null }): boolean =>
  typeof a.promptId === 'string' && a.promptId === b.promptId

/** Whether an event shows that a deleted row exists: any later event where the deletion was inferred, otherwise only a read. */
const isAlive = ({ state, at }: Row, event: StoredPromptEvent): boolean =>
  isTruth(event) ||
  (isOneRow(state, event) && (event.isRead === true || (state.presumed === true && timeOf(event) > at)))

/** Whether an event is about a row that was created after the deletion of one whose id only one of them knows. */
function isRecreated({ state, at }: Row, event: StoredPromptEvent): boolean {
  if (event.promptId === undefined) return event.action === 'created' && timeOf(event) > at
  const isUnknownId = state.promptId === null && Number.isFinite(at)
  return isUnknownId && event.createdAt !== undefined && event.createdAt > at
}

/** The clocks of Langfuse's database and pods are hardly apart by more. Milliseconds. */
const clocksMs = 2 * 60_000

/**
 * Whether a version was created after a listing had shown one of that number, whose id is therefore not known: that one has
 * been deleted since.
 */
export function isReplaced(
  { promptId, readAt, updatedAt }: VersionState,
  row: { promptId?: string | null; createdAt?: number | null },
): boolean {
  if (promptId !== null || readAt === undefined || typeof row.promptId !== 'string') return false
  const { createdAt = null } = row
  return createdAt !== null && createdAt > readAt && createdAt > (updatedAt ?? 0) + clocksMs
}

/** A new row with that version number. Strayed labels belong to the prompt, so they stay. */
const anew = (event: StoredPromptEvent, { strayed }: VersionState): VersionState => ({
  ...stateAfter(event, null),
  ...(strayed && { strayed }),
})

function confirmedDeleted({ presumed: _, ...state }: VersionState): VersionState {
  return { ...state, deleted: true }
}

/** The row after the event; null: the event is older than the row. */
function apply(row: Row | undefined, event: StoredPromptEvent): Row | null {
  const at = timeOf(event)
  if (!row) return { state: stateAfter(event, null), at, event }
  if (isReplaced(row.state, event)) return { state: anew(event, row.state), at, event }
  const same = isSameRow(row.state, event)
  const older = at < row.at && !(isTruth(event) && row.event === null)
  // A deleted row never comes back, so its deletion is final whenever it arrives.
  if (same && event.action === 'deleted')
    return older
      ? { ...row, state: confirmedDeleted(row.state), event }
      : { state: stateAfter(event, row.state), at, event }
  if (older) return null
  // A deletion that was found late is of a row that has been replaced since.
  if (!same && event.action === 'deleted' && event.reconciled) return null
  if (!same) return { state: anew(event, row.state), at, event }
  if (!row.state.deleted || isAlive(row, event)) return { state: stateAfter(event, row.state), at, event }
  return isRecreated(row, event) ? { state: anew(event, row.state), at, event } : null
}

/**
 * Langfuse's times come from the clocks of several machines, and each row of a copied prompt has its own time, in any order
 * of versions. Of times closer together than this, neither is known to be the earlier. Milliseconds.
 */
const surelyApartMs = 10 * 60_000

/**
 * Deletions through Langfuse's API fire no event, but a new version always gets the number after the highest live one. So a
 * version with a higher number that was last known well before the new one was created is gone. A new version says so only
 * once, when it is first known, and never of a version that the same change mentions.
 */
function isGone(row: Row, news: readonly StoredPromptEvent[], events: readonly StoredPromptEvent[]): boolean {
  const { version, updatedAt } = row.state
  if (updatedAt === null || row.event !== null) return false
  const isLater = news.some(
    (event) =>
      event.createdAt !== undefined && event.version < version && event.createdAt - row.at > surelyApartMs,
  )
  return isLater && !events.some((event) => event.version === version && isSameRow(event, row.state))
}

/** Folds events, in any order and with repeats, into the newest state of each version. */
export function merge(before: readonly VersionState[], events: readonly StoredPromptEvent[]): Merged {
  const rows = new Map<number, Row>(
    before.map((state) => [state.version, { state, at: state.updatedAt ?? -Infinity, event: null }]),
  )
  const deleted = new Map<number, string[]>()
  const claims = new Map<string, { version: number; at: number }>()
  const fresh: StoredPromptEvent[] = []
  const stale: string[] = []
  for (const event of events.toSorted(firstToLast)) {
    const row = rows.get(event.version)
    const next = apply(row, event)
    if (!next) {
      if (!event.isRead) stale.push(event.eventId)
      continue
    }
    const wasDeleted = isReportedDeleted(row, event)
    if (next.state.deleted && !wasDeleted) deleted.set(event.version, next.state.labels)
    rows.set(event.version, next)
    const isClaim = !(event.reconciled && event.action === 'deleted')
    for (const label of isClaim ? next.state.labels : [])
      claims.set(label, { version: event.version, at: next.at })
    fresh.push(event)
  }
  const stood = new Map(before.map((state) => [state.version, state]))
  const isNews = (event: StoredPromptEvent): boolean => {
    // A comparison finds what is gone by itself.
    if (event.reconciled) return false
    const state = stood.get(event.version)
    return !state || state.deleted || !isSameRow(state, event) || isReplaced(state, event)
  }
  const gone = dropGone(rows, fresh.filter(isNews), events)
  const isStillTrue = (state: VersionState): boolean => {
    const row = rows.get(state.version)
    if (state.deleted || gone.has(state.version) || row === undefined) return false
    return isSameRow(state, row.state) && !(row.event && isReplaced(state, row.event))
  }
  const known = before.filter(isStillTrue).toSorted((a, b) => a.version - b.version)
  yieldToTruth(rows, fresh)
  const strangers = new Set(rows.keys())
  for (const { version } of known) strangers.delete(version)
  return { rows, claims, known, strangers, deleted, fresh, stale }
}

/** Whether a deletion is not news. One that was inferred becomes known with the comparison that confirms it. */
const isReportedDeleted = (row: Row | undefined, event: StoredPromptEvent): boolean =>
  row?.state.deleted === true &&
  isSameRow(row.state, event) &&
  !(row.state.presumed === true && event.reconciled !== undefined)

/**
 * Known states that contradict what Langfuse answered are older, whatever their time. What deleted versions had, it does not
 * say: that is only what was known of them last.
 */
function yieldToTruth(rows: Map<number, Row>, fresh: readonly StoredPromptEvent[]): void {
  const truths = fresh.filter(isTruth)
  if (truths.length === 0) return
  const first = truths.reduce((least, event) => Math.min(least, timeOf(event)), Number.POSITIVE_INFINITY)
  for (const [version, row] of rows) {
    const isKnownLast = row.event === null || row.event.reconciled !== undefined
    if (row.state.deleted && isKnownLast) rows.set(version, { ...row, at: Number.NEGATIVE_INFINITY })
    else if (row.event === null && row.at >= first) rows.set(version, { ...row, at: first - 1 })
  }
}

/** Marks the versions that are gone as deleted, and returns their numbers. */
function dropGone(
  rows: Map<number, Row>,
  news: readonly StoredPromptEvent[],
  events: readonly StoredPromptEvent[],
): Set<number> {
  const gone = [...rows.values()].filter((row) => !row.state.deleted && isGone(row, news, events))
  for (const row of gone)
    rows.set(row.state.version, { ...row, state: { ...row.state, deleted: true, presumed: true } })
  return new Set(gone.map(({ state }) => state.version))
}

/** Whether a live version was not known before these events. */
export const isStranger = ({ strangers }: Merged, { version }: VersionState): boolean =>
  strangers.has(version)

/** Whether one of these events says that it was created. */
export const isCreated = ({ fresh }: Merged, state: VersionState): boolean =>
  fresh.some(
    (event) => event.action === 'created' && event.version === state.version && isSameRow(event, state),
  )

// Two of `-Infinity` give NaN, which is falsy as well.
const newestFirst = (a: Row, b: Row): number =>
  b.at - a.at || Number(a.state.deleted) - Number(b.state.deleted) || b.state.version - a.state.version

/**
 * The versions without contradictions, by number. A label is on one version of a prompt, and tags are the same on all: where
 * versions contradict each other because an event got lost, the newest is right. Unchanged states stay the same objects.
 */
export function withoutContradictions({ rows, claims }: Pick<Merged, 'rows' | 'claims'>): VersionState[] {
  const all = [...rows.values()].toSorted(newestFirst)
  const holders = new Map<string, number>()
  for (const { state, at } of all) {
    for (const label of state.labels) {
      const claim = claims.get(label)
      const isPast = claim !== undefined && claim.version !== state.version && claim.at > at
      if (!isPast && !holders.has(label)) holders.set(label, state.version)
    }
  }
  const tags = all.find(knowsTags)?.state.tags
  const consistent = ({ state }: Row): VersionState => {
    if (state.deleted) return state
    const labels = state.labels.filter((label) => holders.get(label) === state.version)
    const isRight = labels.length === state.labels.length && (!tags || isSameList(tags, state.tags))
    return isRight ? state : { ...state, labels, tags: tags ?? state.tags }
  }
  return all.map(consistent).toSorted((a, b) => a.version - b.version)
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((item, index) => item === b[index]))

/** Whether its tags are current: from its event, or known before of a live version. */
const knowsTags = ({ state, event }: Row): boolean =>
  event ? state.tags === event.tags : !state.deleted && hasKnownTags(state)

/** Where only the flat form has mentioned a version, an empty list may mean that it did not say. */
export const hasKnownTags = (state: VersionState): boolean =>
  state.updatedAt !== null || state.tags.length > 0
