import {
  type Change,
  type ChangeDetail,
  emptyDetail,
  type Fact,
  type StoredPromptEvent,
  type VersionState,
} from '../../core/change/change.ts'
import {
  describe,
  describeAlert,
  describeNotification,
  describeUnrecognised,
} from '../../core/change/describe.ts'
import { describeCallback } from '../../core/change/describe-callback.ts'
import type {
  AlertEvent,
  NotificationEvent,
  PromptEvent,
  SourceEvent,
  TraceCallbackEvent,
  UnrecognisedEvent,
} from '../../core/change/event.ts'
import { indexable, maxIndexed } from '../../core/change/indexable.ts'
import { isObserved } from '../../core/change/observed.ts'
import { summarise } from '../../core/difference/summary.ts'
import { awaitsCounterpart } from '../../core/prompt/counterpart.ts'
import { type Fold, foldPrompt, type LabelRead, type PromptKey } from '../../core/prompt/fold.ts'
import { reconciledOf, withoutExplained } from '../../core/prompt/reconciled.ts'
import type { Db } from '../../store/client.ts'
import { hasSettledSince, openDanger } from '../../store/tables/changes.ts'
import { isCompared } from '../../store/tables/looks.ts'
import { saveVersions, type TextSource, versionsFor } from '../../store/tables/prompts.ts'
import type { LookupRequest, Lookups } from './lookups.ts'
import { alertEndedBy } from './monitor-history.ts'
import { contentIn, readSource, versionText } from './version-text.ts'

/** What a change turned out to be. */
export type Interpretation = Pick<Change, 'kind' | 'title' | 'danger' | 'actor' | 'version'> & {
  detail: ChangeDetail
}

export interface ReceivedEvent {
  id: string
  /** Epoch milliseconds. */
  occurredAt: number
  parsed: SourceEvent
  /** Where its text and config are, if not in `parsed`: only in its body, or nowhere. */
  text?: 'in-body' | 'none'
}

/**
 * Finds out what the events of one change mean, and folds those of a prompt into its stored state. `waiting`: the state
 * predicts more events of the same edit, and the quiet window has not ended (`mayWait`). `lookup`: something must be read
 * from Langfuse first. In both cases nothing is written.
 */
export async function interpret(
  db: Db,
  events: ReceivedEvent[],
  { mayWait, lookups }: { mayWait: boolean; lookups: Lookups },
): Promise<Interpretation | 'waiting' | { lookup: LookupRequest }> {
  const ofPrompt = events.flatMap((event) =>
    event.parsed.type === 'prompt-version' ? [{ ...event, parsed: event.parsed }] : [],
  )
  const [first] = ofPrompt
  if (first) {
    const { projectId, name } = first.parsed
    return interpretPrompt(db, { projectId, name }, ofPrompt, { mayWait, lookups })
  }
  const [other] = events
  if (!other || other.parsed.type === 'prompt-version' || isObserved(other.parsed))
    throw new Error('A change without events of its own')
  if (other.parsed.type === 'trace-callback') return interpretCallback(other.parsed, lookups)
  return other.parsed.type === 'monitor-alert'
    ? interpretAlert(db, other.parsed)
    : interpretOther(other.parsed)
}

type ReceivedPromptEvent = ReceivedEvent & { parsed: PromptEvent }

/** Events as they are folded. What a comparison found wins over nothing once later changes have settled. */
async function foldable(
  db: Db,
  key: PromptKey,
  events: readonly ReceivedPromptEvent[],
): Promise<StoredPromptEvent[]> {
  const readAt = events.flatMap(({ parsed }) => parsed.reconciled?.readAt ?? [])
  const isOvertaken = readAt.length > 0 && (await hasSettledSince(db, key, Math.min(...readAt)))
  return events.map(({ id, occurredAt, parsed }): StoredPromptEvent => {
    const { text: _, config: __, ...rest } = parsed
    return { ...rest, eventId: id, occurredAt, ...(isOvertaken && { isOvertaken }) }
  })
}

async function interpretPrompt(
  db: Db,
  key: PromptKey,
  all: ReceivedPromptEvent[],
  { mayWait, lookups }: { mayWait: boolean; lookups: Lookups },
): Promise<Interpretation | 'waiting' | { lookup: LookupRequest }> {
  const events = withoutExplained(all, ({ parsed }) => parsed)
  const stored = await foldable(db, key, events)
  const { versions, unread } = await versionsFor(db, key, stored)
  if (mayWait && awaitsCounterpart(versions, stored, unread)) return 'waiting'
  const byEvents = foldPrompt(versions, stored)
  const labels = labelReads(key, byEvents, lookups)
  if ('lookup' in labels) return labels
  const { reads } = labels
  const fold = reads.length > 0 ? await foldRead(db, key, { versions, stored, reads }) : byEvents
  const isStale = new Set(fold.stale)
  const contents = contentsOf(events.filter(({ id }) => !isStale.has(id)))
  const difference = await differenceFor(db, key, { fold, contents, lookups })
  if (difference !== null && typeof difference === 'object' && 'lookup' in difference) return difference
  const isTouched = new Set(fold.touched)
  const unnamed = await unnamedStrangers(db, key, { stored, versions, fold })
  const touched = fold.after.filter(({ version }) => isTouched.has(version) && !unnamed.has(version))
  await saveVersions(db, key, touched, contents)
  const reconciled = reconciledOf(stored, versions, fold)
  const isReconciled = reconciled !== undefined
  const { kind, title, danger } = describe({ ...fold, isReconciled, subject: titled(key.name) })
  const { facts, stale, actor, version, steps } = fold
  const ends = fold.regained.includes('production') && !danger ? await openDanger(db, key) : null
  const detail = {
    ...emptyDetail,
    facts,
    prompt: promptDetail(fold),
    difference,
    stale,
    ...(steps.length > 0 && { steps }),
    ...(ends && { ends }),
    ...(reconciled && { reconciled }),
    ...(key.name !== indexable(key.name) && { name: key.name }),
  }
  return { kind, title, danger, actor, version, detail }
}

const versionsIn = (facts: readonly Fact[]): number[] =>
  facts.flatMap((fact) => [
    ...('version' in fact ? [fact.version] : []),
    ...('from' in fact ? [fact.from] : []),
    ...('to' in fact ? [fact.to] : []),
    ...('versions' in fact ? fact.versions : []),
  ])

/**
 * Versions that become known only because a new one took a label from them. If the project is compared with Langfuse, all
 * versions are known but those whose creation was lost or is late: they stay unknown, so that it is reported when it is found.
 */
async function unnamedStrangers(
  db: Db,
  { projectId }: PromptKey,
  {
    stored,
    versions,
    fold,
  }: { stored: readonly StoredPromptEvent[]; versions: readonly VersionState[]; fold: Fold },
): Promise<Set<number>> {
  const known = new Set([...versions.map(({ version }) => version), ...versionsIn(fold.facts)])
  const strangers = stored.filter(({ action, version }) => action === 'updated' && !known.has(version))
  if (strangers.length === 0 || !(await isCompared(db, projectId))) return new Set()
  return new Set(strangers.map(({ version }) => version))
}

/** Labels of one change that are looked up. */
const maxLabelReads = 5

/** Labels that left a version and, by the events, went nowhere; also `production`, if its version was deleted. */
function labelsInDoubt(facts: readonly Fact[]): string[] {
  const left = facts.flatMap((fact) => {
    if (fact.kind === 'label-removed') return [fact.label]
    return fact.kind === 'deleted' && fact.labels.includes('production') ? ['production'] : []
  })
  const isTaken = (label: string): boolean => facts.some((fact) => 'to' in fact && fact.label === label)
  return [...new Set(left)].slice(0, maxLabelReads).filter((label) => !isTaken(label))
}

/** Which versions carry them now; `lookup`: the next label to look up. */
function labelReads(
  key: PromptKey,
  { facts }: Fold,
  lookups: Lookups,
): { reads: LabelRead[] } | { lookup: LookupRequest } {
  const reads: LabelRead[] = []
  for (const label of labelsInDoubt(facts)) {
    const answer = lookups.label({ ...key, label })
    if (answer === undefined) return { lookup: { label: { ...key, label } } }
    if (answer) reads.push({ label, ...answer })
  }
  return { reads }
}

interface PromptReading {
  versions: readonly VersionState[]
  stored: readonly StoredPromptEvent[]
  reads: readonly LabelRead[]
}

async function foldRead(db: Db, key: PromptKey, { versions, stored, reads }: PromptReading): Promise<Fold> {
  const holders = reads.flatMap(({ holder }) => holder ?? [])
  if (holders.length === 0) return foldPrompt(versions, stored, reads)
  // They may be versions that no event was about.
  const concerned = await versionsFor(db, key, [...stored, ...holders])
  return foldPrompt(concerned.versions, stored, reads)
}
/** Only the start of a very long name. */
const titled = (name: string): string =>
  name.length <= maxIndexed ? name : `${name.slice(0, 100).toWellFormed()}…`

/** Texts by version, from the newest event with one. A `deleted` event's is left out: its references are unresolved. */
function contentsOf(events: ReceivedPromptEvent[]): Map<number, TextSource> {
  const withText = events
    .filter(({ parsed }) => parsed.action !== 'deleted')
    .toSorted((a, b) => (a.parsed.updatedAt ?? 0) - (b.parsed.updatedAt ?? 0))
  return new Map(
    withText.flatMap(({ id, parsed, text }): [number, TextSource][] => {
      if (text === 'in-body') return [[parsed.version, { eventId: id }]]
      const content = text === 'none' ? null : contentIn(parsed)
      return content ? [[parsed.version, content]] : []
    }),
  )
}

function promptDetail(fold: Fold): ChangeDetail['prompt'] {
  const state = fold.after.find(({ version }) => version === fold.version)
  if (!state) return null
  const { version, labels, tags, promptType, commitMessage, createdBy } = state
  const { labelsBefore, eventId } = fold
  return { version, labels, labelsBefore, tags, promptType, commitMessage, createdBy, eventId }
}

/**
 * Which two versions to compare: a new one with the one before (by number, if that is not known), or the two holders of a
 * moved label.
 */
export function comparedVersions(facts: Fact[], known: number[]): { from: number; to: number } | null {
  const created = facts.find((fact) => fact.kind === 'version-created')
  if (created) {
    const { version } = created
    const from = Math.max(...known.filter((one) => one < version))
    return version === 1 ? null : { from: Number.isFinite(from) ? from : version - 1, to: version }
  }
  const moves = facts.filter((fact) => fact.kind === 'promoted' || fact.kind === 'rolled-back')
  const moved = moves.find(({ label }) => label === 'production') ?? moves[0]
  return moved ? { from: moved.from, to: moved.to } : null
}

interface Compared {
  fold: Fold
  /** Texts in the change's own events. */
  contents: Map<number, TextSource>
  lookups: Lookups
}

async function differenceFor(
  db: Db,
  key: PromptKey,
  { fold, contents, lookups }: Compared,
): Promise<ChangeDetail['difference'] | { lookup: LookupRequest }> {
  const known = fold.after.map(({ version }) => version)
  const pair = comparedVersions(fold.facts, known)
  if (!pair) return null
  const read = async (version: number) => {
    const source = contents.get(version)
    const content = (source && (await readSource(db, source))) ?? (await versionText(db, key, version))
    return content ?? lookups.version({ ...key, version })
  }
  const [before, after] = [await read(pair.from), await read(pair.to)]
  if (before === undefined) return { lookup: { version: { ...key, version: pair.from } } }
  if (after === undefined) return { lookup: { version: { ...key, version: pair.to } } }
  if (before && after) return summarise({ version: pair.from, ...before }, { version: pair.to, ...after })
  return `The text of v${before ? pair.to : pair.from} is not known, so nothing can be compared.`
}

const noAuthor = { actor: null, version: null }

async function interpretAlert(db: Db, parsed: AlertEvent): Promise<Interpretation> {
  const ended = parsed.severity === 'OK' ? await alertEndedBy(db, parsed) : null
  const { facts, ...description } = describeAlert(parsed, ended ?? undefined)
  const links = linksOf(['Open the alert', parsed.url], ['Open the data', parsed.dataUrl])
  const detail = { ...emptyDetail, facts, message: parsed.body, links, environments: parsed.environments }
  return { ...noAuthor, ...description, detail: ended ? { ...detail, alert: ended } : detail }
}

function interpretCallback(
  parsed: TraceCallbackEvent,
  lookups: Lookups,
): Interpretation | { lookup: LookupRequest } {
  const { type: _, ...ids } = parsed
  const answer = lookups.trace(ids)
  if (answer === undefined) return { lookup: { trace: ids } }
  const { facts, trace, ...description } = describeCallback(ids, answer)
  const environments = trace?.environment ? [trace.environment] : []
  return {
    ...noAuthor,
    ...description,
    detail: { ...emptyDetail, facts, environments, ...(trace && { trace }) },
  }
}

function interpretOther(parsed: NotificationEvent | UnrecognisedEvent): Interpretation {
  if (parsed.type === 'project-notification') {
    const { facts, ...description } = describeNotification(parsed)
    const links = linksOf(['Open in Langfuse', parsed.url])
    return { ...noAuthor, ...description, detail: { ...emptyDetail, facts, message: parsed.message, links } }
  }
  const { facts, ...description } = describeUnrecognised(parsed)
  return { ...noAuthor, ...description, detail: { ...emptyDetail, facts, problems: parsed.problems } }
}

const linksOf = (...links: [string, string | null][]): ChangeDetail['links'] =>
  links.flatMap(([label, url]) => (url === null ? [] : [{ label, url }]))
