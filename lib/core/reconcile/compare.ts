import type { VersionState } from '../change/change.ts'
import type { PromptAction } from '../change/event.ts'
import { isReplaced } from '../prompt/merge.ts'
import type { Doubt } from './doubt.ts'

/** A prompt as a listing shows it. */
export interface Listed {
  versions: readonly number[]
  labels: readonly string[]
  tags: readonly string[]
  lastUpdatedAt: number
}

export interface ListedPage {
  rows: readonly (Listed & { name: string })[]
  page: number
  totalPages: number
}

export type KnownVersion = Pick<
  VersionState,
  'version' | 'labels' | 'tags' | 'updatedAt' | 'deleted' | 'presumed'
>

const isSameSet = (a: readonly string[], b: readonly string[]): boolean => {
  if (a === b) return true
  const set = new Set(a)
  return set.size === new Set(b).size && b.every((one) => set.has(one))
}

/** A deletion that was only inferred, and so never reported, counts once a comparison has confirmed it. */
const live = <State extends Pick<KnownVersion, 'deleted' | 'presumed'>>(known: readonly State[]): State[] =>
  known.filter(({ deleted, presumed }) => !deleted || presumed)

const newestOf = (versions: readonly Pick<KnownVersion, 'updatedAt'>[]): number =>
  versions.reduce((newest, { updatedAt }) => Math.max(newest, updatedAt ?? 0), 0)

/**
 * Whether what is known of a prompt explains what a listing shows of it. `from` null: the listing is whole. Otherwise it
 * shows only versions that were updated since then, and an update that is not known shows in an older time.
 */
export function isExplained(row: Listed, known: readonly KnownVersion[], from: number | null): boolean {
  const all = new Map(live(known).map((state) => [state.version, state]))
  const shown = row.versions.flatMap((version) => all.get(version) ?? [])
  if (shown.length < row.versions.length || (from === null && all.size > shown.length)) return false
  return (
    newestOf(shown) === row.lastUpdatedAt &&
    (from === null || shown.every(({ updatedAt }) => updatedAt !== null && updatedAt >= from)) &&
    isSameSet(
      row.labels,
      shown.flatMap(({ labels }) => labels),
    ) &&
    shown.every(({ tags }) => isSameSet(row.tags, tags))
  )
}

/** Live versions that a whole listing does not show. */
export function missingIn({ versions }: Pick<Listed, 'versions'>, known: readonly KnownVersion[]): number[] {
  const listed = new Set(versions)
  return live(known).flatMap(({ version }) => (listed.has(version) ? [] : [version]))
}

/** One live version as Langfuse has it. Null: only a listing showed it, which does not say. Times in epoch milliseconds. */
export interface TrueVersion {
  version: number
  labels: string[]
  tags: string[]
  promptType: string | null
  updatedAt: number | null
  createdAt: number | null
  promptId: string | null
  commitMessage: string | null
  createdBy: string | null
}

/** A prompt as Langfuse has it. `gone`: known versions that do not exist any more. */
export interface Truth<Version extends TrueVersion = TrueVersion> {
  versions: readonly Version[]
  gone: readonly number[]
  lastUpdatedAt: number | null
}

export interface Difference {
  version: number
  action: PromptAction
  /** The row that Langfuse showed, or `gone`. */
  key: string
}

/** A version that was deleted and created again has the same number. */
const isOtherRow = (state: VersionState, read: TrueVersion): boolean =>
  isReplaced(state, read) ||
  (state.promptId !== null && read.promptId !== null && state.promptId !== read.promptId)

/** The versions that a prompt may have, to be read. */
export const asAlive = (known: readonly VersionState[]): VersionState[] =>
  known.map((state) => (state.presumed ? { ...state, deleted: false } : state))

/** What differs: versions that are gone, that are not known, and whose labels are others; with other tags, the highest. */
export function differencesOf(known: readonly VersionState[], { versions, gone }: Truth): Difference[] {
  const states = new Map(live(known).map((state) => [state.version, state]))
  const highest = versions.at(-1)?.version
  const changed = versions.flatMap((read): Difference[] => {
    const state = states.get(read.version)
    const key = `${read.promptId ?? ''}@${read.updatedAt ?? ''}`
    if (!state || isOtherRow(state, read)) return [{ version: read.version, action: 'created', key }]
    const isRetagged = read.version === highest && !isSameSet(read.tags, state.tags)
    const isSame = isSameSet(read.labels, state.labels) && !isRetagged
    return isSame ? [] : [{ version: read.version, action: 'updated', key }]
  })
  const missing = gone.filter((version) => states.has(version))
  return [...changed, ...missing.map((version): Difference => ({ version, action: 'deleted', key: 'gone' }))]
}

/**
 * Known versions of which only times, ids and the like are not as Langfuse has them. A version of which a listing says
 * nothing else is as it was at the prompt's last update.
 */
export function refreshed(
  known: readonly VersionState[],
  { versions, lastUpdatedAt }: Truth,
  { readAt, except }: { readAt: number; except: ReadonlySet<number> },
): VersionState[] {
  const states = new Map(live(known).map((state) => [state.version, state]))
  return versions.flatMap((read): VersionState[] => {
    const state = states.get(read.version)
    if (!state || except.has(read.version) || isOtherRow(state, read)) return []
    const updatedAt = read.updatedAt ?? lastUpdatedAt
    const promptId = read.promptId ?? state.promptId
    const { presumed, ...rest } = state
    if (!presumed && state.updatedAt === updatedAt && state.promptId === promptId) return []
    const commitMessage = read.promptId === null ? state.commitMessage : read.commitMessage
    const createdBy = read.createdBy ?? state.createdBy
    const { promptType } = read
    return [{ ...rest, deleted: false, updatedAt, promptId, promptType, commitMessage, createdBy, readAt }]
  })
}

/** How many times the grace a prompt may go on changing without any webhook before its differences are believed. */
const restlessGraces = 5

/** What decides whether a webhook may still be on its way. */
export interface Evidence {
  now: number
  /** How long a webhook may take, milliseconds. */
  graceMs: number
  /** The prompt's revision before it was read. */
  revision: string
  lastUpdatedAt: number | null
  /** Deletions first seen later than this are held back; null: none is. */
  heldAfter: number | null
}

export interface Judgement {
  /** What no webhook can explain any more. */
  mature: Difference[]
  /** What stays in doubt; null: nothing. */
  rest: Doubt | null
  /** Whether deletions are all that stays, and only because they are held back. */
  isHeld: boolean
}

/**
 * Whether the differences of a prompt may be reported. They go together, because half a move of a label would say that a
 * version lost it to none. Something that was not seen a grace ago holds the others up, unless nothing of the prompt arrives
 * for much longer. A deletion has to be seen twice, a grace apart.
 */
export function judge(found: Doubt, differences: readonly Difference[], evidence: Evidence): Judgement {
  const { now, graceMs, revision, lastUpdatedAt, heldAfter } = evidence
  const seen = new Map(found.items.map(({ version, key, since }) => [`${version} ${key}`, since]))
  const isQuiet = found.revision === revision
  const isUnchanged = isQuiet && lastUpdatedAt !== null && found.lastUpdatedAt === lastUpdatedAt
  const isRestless = isQuiet && now - found.since >= restlessGraces * graceMs
  const items = differences.map((one) => {
    const isGone = one.key === 'gone'
    const first = seen.get(`${one.version} ${one.key}`) ?? (isUnchanged && !isGone ? found.since : now)
    // A clock may have been set back since.
    const since = Math.min(first, now)
    const isMature = now - since >= graceMs || (isRestless && !isGone)
    return { one, since, isMature, isHeld: isGone && heldAfter !== null && since > heldAfter }
  })
  const free = items.filter(({ isHeld }) => !isHeld)
  const held = items.filter(({ isHeld }) => isHeld)
  const areMature = free.length > 0 && free.every(({ isMature }) => isMature)
  const left = areMature ? held : items
  const kept = left.map(({ one: { version, key }, since }) => ({ version, key, since }))
  return {
    mature: areMature ? free.map(({ one }) => one) : [],
    rest: left.length === 0 ? null : { ...found, items: kept, failures: 0 },
    isHeld: left.length > 0 && left.length === held.length,
  }
}

/** So many versions at once, and such a share of the live ones, are not believed to be gone until a person says so. */
const maxGone = 10
const maxGoneShare = 0.05

/** Of more live versions than that, so many gone ones are few: they need not be counted further. */
export const enoughAlive = (gone: number): number => Math.ceil(gone / maxGoneShare) + 1

export const isTooMany = (gone: number, alive: number): boolean =>
  gone > maxGone && gone > alive * maxGoneShare

/**
 * What Langfuse never sends a webhook of: a deletion by API, the heir of `latest`, a version whose config is no object.
 * `config` undefined: not known.
 */
export function isNeverSent(
  { action, version }: Difference,
  known: readonly VersionState[],
  { versions }: Truth<TrueVersion & { config?: unknown }>,
): boolean {
  if (action === 'deleted') return true
  const read = versions.find((one) => one.version === version)
  if (!read) return false
  const { config } = read
  const isOdd = typeof config !== 'object' || config === null || Array.isArray(config)
  return (config !== undefined && isOdd) || (action === 'updated' && isHeir(read, known, versions))
}

/** It only gained `latest`, and no version that still exists is known to have had that. */
function isHeir(
  { version, labels, tags }: TrueVersion,
  known: readonly VersionState[],
  versions: readonly TrueVersion[],
): boolean {
  const state = live(known).find((one) => one.version === version)
  if (!state || state.labels.includes('latest') || !labels.includes('latest')) return false
  const others = labels.filter((label) => label !== 'latest')
  const holder = live(known).find((one) => one.labels.includes('latest'))
  const isGone = !holder || !versions.some((one) => one.version === holder.version)
  return isGone && isSameSet(others, state.labels) && isSameSet(tags, state.tags)
}
