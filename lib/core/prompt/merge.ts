import type { StoredPromptEvent, VersionState } from '../change/change.ts'

/** The last word on one version of a prompt. */
export interface Row {
  state: VersionState
  /** When that was so, epoch milliseconds; `-Infinity` when only the flat form spoke of a stored version. */
  at: number
  /** The event that said it; null when it is what was known before. */
  event: StoredPromptEvent | null
}

export interface Merged {
  /** By version; each as its own newest event tells it, which other versions may contradict. */
  rows: ReadonlyMap<number, Row>
  /** By label the newest event that shows it on a version, which may have lost it since. */
  claims: ReadonlyMap<string, { version: number; at: number }>
  /** What was live before, by number, without versions that turn out to have been deleted in silence. */
  known: VersionState[]
  /** All other versions. */
  strangers: ReadonlySet<number>
  /** Labels that versions carried when these events deleted them. */
  deleted: ReadonlyMap<number, string[]>
  /** Events that changed the state or confirm it, oldest first. */
  fresh: StoredPromptEvent[]
  /** Ids of events older than the known state. */
  stale: string[]
}

/** The order between events of one prompt. The flat form has no `updatedAt`: its own time has to do. */
const timeOf = (event: StoredPromptEvent): number => event.updatedAt ?? event.occurredAt

/** Version numbers come again when a prompt is deleted and created anew; ids do not. An unknown id fits any. */
function isSameRow(a: { promptId?: string | null }, b: { promptId?: string | null }): boolean {
  return (a.promptId ?? null) === null || (b.promptId ?? null) === null || a.promptId === b.promptId
}

const firstToLast = (a: StoredPromptEvent, b: StoredPromptEvent): number =>
  timeOf(a) - timeOf(b) ||
  // `deleted` carries the version as it was, so its time is that of the last update.
  Number(a.action === 'deleted') - Number(b.action === 'deleted') ||
  (a.eventId < b.eventId ? -1 : 1)

function told(event: StoredPromptEvent, before: VersionState | null): VersionState {
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
  }
}

/** Whether both name the same row: version numbers come again, and the flat form has no ids. */
const isOneRow = (a: { promptId?: string | null }, b: { promptId?: string | null }): boolean =>
  typeof a.promptId === 'string' && a.promptId === b.promptId

/** Whether an event says of a row taken for deleted that it is there: what was only inferred gives way, what was told only to a read. */
const isAlive = ({ state, at }: Row, event: StoredPromptEvent): boolean =>
  isOneRow(state, event) && (event.isRead === true || (state.presumed === true && timeOf(event) > at))

/** Another row of that number. What is remembered of labels is of the prompt, not of the row. */
const anew = (event: StoredPromptEvent, { strayed }: VersionState): VersionState => ({
  ...told(event, null),
  ...(strayed && { strayed }),
})

function confirmedDeleted({ presumed: _, ...state }: VersionState): VersionState {
  return { ...state, deleted: true }
}

/** The row after the event; null when the event is older than the row. */
function apply(row: Row | undefined, event: StoredPromptEvent): Row | null {
  const at = timeOf(event)
  if (!row) return { state: told(event, null), at, event }
  const same = isSameRow(row.state, event)
  const older = at < row.at
  // A deleted row never comes back, so its deletion is the last word whenever it arrives.
  if (same && event.action === 'deleted')
    return older
      ? { ...row, state: confirmedDeleted(row.state), event }
      : { state: told(event, row.state), at, event }
  if (older) return null
  if (!same) return { state: anew(event, row.state), at, event }
  if (!row.state.deleted || isAlive(row, event)) return { state: told(event, row.state), at, event }
  const isRecreated = event.action === 'created' && at > row.at && event.promptId === undefined
  return isRecreated ? { state: anew(event, row.state), at, event } : null
}

/**
 * Times of Langfuse come from clocks of several machines, and each row of a copied prompt has times of its own, in any
 * order of versions: of what is closer together, neither is known to be the earlier one. Milliseconds.
 */
const surelyApartMs = 10 * 60_000

/**
 * Deletions through Langfuse's API fire nothing, but a new version always gets the number after the highest live one: so
 * what was last known some time before version n was created, and has a higher number, is gone. Each n says so once, when
 * it is first known, and never of a version that the same change speaks of.
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

/** Folds events, in whatever order and however often they came, into the last word on each version. */
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
    const wasDeleted = row?.state.deleted === true && isSameRow(row.state, event)
    if (next.state.deleted && !wasDeleted) deleted.set(event.version, next.state.labels)
    rows.set(event.version, next)
    for (const label of next.state.labels) claims.set(label, { version: event.version, at: next.at })
    fresh.push(event)
  }
  const stood = new Map(before.map((state) => [state.version, state]))
  const isNews = (event: StoredPromptEvent): boolean => {
    const state = stood.get(event.version)
    return !state || state.deleted || !isSameRow(state, event)
  }
  const gone = dropGone(rows, fresh.filter(isNews), events)
  const isStillTrue = (state: VersionState): boolean => {
    const row = rows.get(state.version)
    return !state.deleted && !gone.has(state.version) && row !== undefined && isSameRow(state, row.state)
  }
  const known = before.filter(isStillTrue).toSorted((a, b) => a.version - b.version)
  const strangers = new Set(rows.keys())
  for (const { version } of known) strangers.delete(version)
  return { rows, claims, known, strangers, deleted, fresh, stale }
}

/** Marks them deleted; gives back their numbers. */
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

/** Whether a live version was not there before these events, as far as is known. */
export const isStranger = ({ strangers }: Merged, { version }: VersionState): boolean =>
  strangers.has(version)

/** Whether one of these events told that it was created. */
export const isCreated = ({ fresh }: Merged, state: VersionState): boolean =>
  fresh.some(
    (event) => event.action === 'created' && event.version === state.version && isSameRow(event, state),
  )

// Two of `-Infinity` give NaN, which is falsy as well.
const newestFirst = (a: Row, b: Row): number =>
  b.at - a.at || Number(a.state.deleted) - Number(b.state.deleted) || b.state.version - a.state.version

/**
 * The versions as they stand together, by number. A label lives on one version of a prompt, and tags are the
 * same on all: where versions contradict each other (an event got lost), the one heard of last is right.
 * What needs no change stays the same object.
 */
export function reconcile({ rows, claims }: Pick<Merged, 'rows' | 'claims'>): VersionState[] {
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
  const reconciled = ({ state }: Row): VersionState => {
    if (state.deleted) return state
    const labels = state.labels.filter((label) => holders.get(label) === state.version)
    const isRight = labels.length === state.labels.length && (!tags || isSameList(tags, state.tags))
    return isRight ? state : { ...state, labels, tags: tags ?? state.tags }
  }
  return all.map(reconciled).toSorted((a, b) => a.version - b.version)
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((item, index) => item === b[index]))

/** Whether its event told the tags, or it may still have them: those of a version that was deleted before are of then. */
const knowsTags = ({ state, event }: Row): boolean =>
  event ? state.tags === event.tags : !state.deleted && hasKnownTags(state)

/** Of a version that only the flat form spoke of, no tags may mean that none were told. */
export const hasKnownTags = (state: VersionState): boolean =>
  state.updatedAt !== null || state.tags.length > 0
