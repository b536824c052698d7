import { setImmediate } from 'node:timers/promises'
import type { Change, ChangeDetail, FactKind } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { isBurstKind } from '../../core/change/kinds.ts'
import type { ProjectDirectory } from '../../core/rules/project-directory.ts'
import type { Routes } from '../../core/rules/rules.ts'
import { readStored } from '../../langfuse/stored-event.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import {
  claimChanges,
  deleteChange,
  isOpen,
  maxClaimed,
  postponeChanges,
} from '../../store/tables/changes.ts'
import { type EventHead, eventsOfChange, moveEvents, twinChange } from '../../store/tables/events.ts'
import { failuresOf } from '../../store/tables/settle-failures.ts'
import { unsynced } from '../../store/unsynced.ts'
import { suspectHalfEdit } from '../reconcile/half-edits.ts'
import { interpretTrouble } from '../watch.ts'
import { interpretBurst } from './bursts.ts'
import { interpretGivenUp } from './given-up.ts'
import { type Interpretation, interpret, type ReceivedEvent } from './interpret.ts'
import { createLargeChanges, type LargeChanges, maxBytesAtOnce, type Outline } from './large-changes.ts'
import { noteLateWebhooks } from './late-webhooks.ts'
import { createLookupQueue, type LookupQueue, type LookupRequest, type Readers } from './lookups.ts'
import { setApart, waitAfter } from './settle-failures.ts'
import { interpretWrongProject, judge } from './signed-for.ts'
import { copyTexts } from './version-text.ts'
import { type AfterCommit, type SettlingContext, writeSettlement } from './write-settlement.ts'

export interface SettleDeps extends Readers {
  db: Db
  routes: Routes
  /** Absent: no project has a name or secrets of its own. */
  directory?: ProjectDirectory
  now: () => number
  /** How long reconciled changes wait for each other, milliseconds; absent: a minute. */
  gatherMs?: number
  /** How long a comparison waits for a webhook that may explain a difference, milliseconds; absent: two minutes. */
  graceMs?: number
}

/** What a settler needs from its loop. */
export interface SettlerHooks {
  /** True: read nothing more from Langfuse. */
  stopping: () => boolean
  /** What a change was waiting for is known: settle again. */
  onReady: () => void
  /** A change settled whose texts must still be copied (`copyTexts`). */
  onLarge: () => void
  onError: (error: unknown) => void
}

/** Pause of a change while something is read for it. */
const readMs = 30_000
/** Pause of a change that must settle after another one, or until it is known which project signed it. */
const behindMs = 1000

export interface SettleRound {
  /** How many changes were claimed. */
  claimed: number
  settled: number
  /** More may be due. */
  isMore: boolean
}

export interface Settler {
  /** Claims a few of the changes that are due, and settles each unless something is still missing. */
  settleDue: () => Promise<SettleRound>
  /** Resolves when nothing is being read for any of them. */
  idle: () => Promise<void>
}

/**
 * Settles changes. What events lack is read from Langfuse meanwhile, because waiting for the network would delay everything
 * else; the change is due again with the answer. A change that throws is set aside at once and does not delay others. An
 * error of the store is thrown, and counts against no change.
 */
export function createSettler(deps: SettleDeps, hooks: SettlerHooks): Settler {
  const { stopping, onReady, onLarge, onError } = hooks
  const { db, now } = deps
  const onAnswer = async (changeId: string, againAt: number | null) => {
    await postponeChanges(db, [changeId], againAt ?? now())
    onReady()
  }
  const onFailed = async (row: ChangeRow, error: unknown) => {
    await setApart(deps, row, error).catch(onError)
  }
  const beside: Beside = {
    lookupQueue: createLookupQueue({ readers: deps, now, stopping, onAnswer, onError }),
    graceMs: deps.graceMs,
    large: createLargeChanges({ db, stopping, onRead: (id) => onAnswer(id, null), onFailed }),
    onLarge,
  }
  return {
    settleDue: async () => {
      const { ids, settled } = await settleBatch(deps, beside)
      return { claimed: ids.length, settled, isMore: ids.length === maxClaimed }
    },
    idle: async () => {
      await beside.large.idle()
      await beside.lookupQueue.idle()
    },
  }
}

/** One round without a loop, including what must be read from Langfuse. */
export async function settleDue(deps: SettleDeps): Promise<SettleRound> {
  const found = { isReady: false, isLarge: false }
  const settler = createSettler(deps, {
    stopping: () => false,
    onReady: () => {
      found.isReady = true
    },
    onLarge: () => {
      found.isLarge = true
    },
    onError: (error) => {
      throw error
    },
  })
  const round = await settler.settleDue()
  await settler.idle()
  while (found.isReady) {
    found.isReady = false
    round.settled += (await settler.settleDue()).settled
    await settler.idle()
  }
  if (found.isLarge) await copyTexts(deps.db, () => false)
  return round
}

/** What runs beside settling, for changes that cannot settle at once. */
interface Beside {
  lookupQueue: LookupQueue
  large: LargeChanges
  onLarge: () => void
  graceMs: number | undefined
}

/** How far a round got, in case it throws. */
interface Progress {
  ids: string[]
  /** The change being settled; null: none. */
  at: ChangeRow | null
}

/** Settles what is due in one transaction. If a change throws, it is set aside, and the others are settled one by one. */
async function settleBatch(deps: SettleDeps, beside: Beside): Promise<{ ids: string[]; settled: number }> {
  const progress: Progress = { ids: [], at: null }
  try {
    const settled = await runOnce(deps, beside, { id: null, progress })
    return { ids: progress.ids, settled }
  } catch (error) {
    const { ids, at } = progress
    if (at === null) throw error
    const failed = await setApart(deps, at, error)
    let settled = 0
    for (const id of ids) if (id !== failed && (await settleAlone(deps, beside, id))) settled++
    return { ids, settled }
  }
}

async function settleAlone(deps: SettleDeps, beside: Beside, id: string): Promise<boolean> {
  const progress: Progress = { ids: [], at: null }
  // SQLite answers synchronously: let other work run.
  await setImmediate()
  try {
    return (await runOnce(deps, beside, { id, progress })) > 0
  } catch (error) {
    if (progress.at === null) throw error
    await setApart(deps, progress.at, error)
    return false
  }
}

/** `behind`: an earlier change of the same prompt must settle first, or it is not known yet which project signed it. */
type Result = 'settled' | 'waiting' | 'behind' | 'under-way' | 'large' | { lookup: LookupRequest }

interface Tried {
  row: ChangeRow
  result: Result
}

interface Round {
  /** The change to settle; null: those that are due next. */
  id: string | null
  progress: Progress
}

/** Returns how many were settled. */
async function runOnce(deps: SettleDeps, beside: Beside, { id, progress }: Round): Promise<number> {
  const { db, routes, directory, now, gatherMs } = deps
  const notes: AfterCommit[] = []
  const tried = await unsynced(db, async (trx) => {
    const rows = await claimChanges(trx, { now: now(), id })
    progress.ids = rows.map((row) => row.id)
    const all: Tried[] = []
    for (const row of rows) {
      progress.at = row
      const context = {
        ...{ routes, directory, gatherMs, now: now() },
        afterCommit: (note: AfterCommit) => notes.push(note),
      }
      all.push({ row, result: await settleClaimed(trx, row, { ...context, beside }) })
    }
    progress.at = null
    await postponeOpen(trx, all, now())
    return all
  })
  for (const note of notes) note(now())
  for (const one of tried) readBeside(beside, one)
  return tried.filter(({ result }) => result === 'settled').length
}

async function postponeOpen(trx: Db, tried: Tried[], now: number): Promise<void> {
  const idsOf = (wants: (result: Result) => boolean) =>
    tried.flatMap(({ row, result }) => (wants(result) ? [row.id] : []))
  const isRead = (result: Result) =>
    result === 'under-way' || result === 'large' || typeof result === 'object'
  await postponeChanges(
    trx,
    idsOf((result) => result === 'waiting'),
    null,
  )
  await postponeChanges(trx, idsOf(isRead), now + readMs)
  await postponeChanges(
    trx,
    idsOf((result) => result === 'behind'),
    now + behindMs,
  )
}

/** Starts reading what a change needs, or forgets what was read for a settled one. */
function readBeside({ lookupQueue, large, onLarge }: Beside, { row, result }: Tried): void {
  if (typeof result === 'object') lookupQueue.begin({ id: row.id, openedAt: row.opened_at }, result.lookup)
  else if (result === 'large') large.begin(row)
  else if (result === 'settled') {
    if (large.known(row.id).size > 0) onLarge()
    large.forget(row.id)
    lookupQueue.forget(row.id)
  }
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { beside, ...context }: SettlingContext & { beside: Beside },
): Promise<Result> {
  const { large, lookupQueue } = beside
  if (lookupQueue.isUnderWay(row.id) || large.isUnderWay(row.id)) return 'under-way'
  const own = await interpretOwn(trx, row, context.now)
  if (own) {
    await writeSettlement(trx, { row, interpretation: own, events: [], parsed: [] }, context)
    return 'settled'
  }
  if (await isBehind(trx, row)) return 'behind'
  const known = await readEvents(trx, row, large.known(row.id))
  if (known === null) return 'large'
  const parsed = known.received.map((one) => one.parsed)
  const signed = await judge(trx, { row, events: known.events, parsed }, context)
  if (signed === 'unknown') return 'behind'
  if (signed === 'wrong') {
    const interpretation = interpretWrongProject(row, known.events)
    await writeSettlement(trx, { row, interpretation, events: known.events, parsed }, context)
    return 'settled'
  }
  if (await joinTwin(trx, row, parsed)) return 'settled'
  const interpretation = isBurstKind(row.kind as Change['kind'])
    ? interpretBurst(row)
    : await interpretEvents(trx, known, {
        mayWait: row.due_at > context.now,
        lookups: lookupQueue.known(row.id),
      })
  if (interpretation === 'waiting') return interpretation
  if (interpretation && 'lookup' in interpretation) return interpretation
  // Without one, the change was opened for an event that another instance had stored first.
  if (interpretation) {
    const { received, events } = known
    const noted = await noteLateWebhooks(trx, { id: row.id, received, interpretation, now: context.now })
    await writeSettlement(trx, { row, interpretation: noted, events, parsed }, context)
    await suspectHalfEdit(trx, noted.detail, { events: parsed, now: context.now, graceMs: beside.graceMs })
  } else await deleteChange(trx, row.id)
  return 'settled'
}

/** Whether a change that was due before this one's first event arrived is still open. */
async function isBehind(trx: Db, { detail }: ChangeRow): Promise<boolean> {
  // Hardly any is, and parsing the detail takes longer than this check.
  if (!detail.includes('"behind"')) return false
  const { behind } = JSON.parse(detail) as ChangeDetail
  if (behind === undefined || !(await isOpen(trx, behind))) return false
  // A change that cannot even settle as not described does not delay others.
  return waitAfter(await failuresOf(trx, behind)) !== null
}

/**
 * If two automations send one alert at once, two instances may each have opened a change for it. The later one, or the one
 * that has not settled yet, gives its events to the other.
 */
async function joinTwin(trx: Db, { id }: ChangeRow, parsed: SourceEvent[]): Promise<boolean> {
  if (!parsed.some(({ type }) => type === 'monitor-alert' || type === 'project-notification')) return false
  const twin = await twinChange(trx, id)
  if (!twin || (twin.status === 'settling' && twin.id > id)) return false
  await moveEvents(trx, id, twin.id)
  await deleteChange(trx, id)
  return true
}

/** Changes that hold from the start what they report. */
const ownKinds: string[] = ['trouble', 'trouble-over', 'corrected'] satisfies FactKind[]

/** For a change that the relay opened about itself; null: it is about events. */
async function interpretOwn(trx: Db, row: ChangeRow, now: number): Promise<Interpretation | null> {
  if (row.kind === 'given-up') return interpretGivenUp(trx, row, now)
  return ownKinds.includes(row.kind) ? interpretTrouble(row) : null
}

interface ChangeEvents {
  events: EventHead[]
  received: ReceivedEvent[]
}

const interpretEvents = async (
  trx: Db,
  { received }: ChangeEvents,
  context: Parameters<typeof interpret>[2],
): Promise<Awaited<ReturnType<typeof interpret>> | null> =>
  received.length === 0 ? null : interpret(trx, received, context)

/** Null: they are too large to read here, and not all have been read beside settling. */
async function readEvents(
  db: Db,
  { id: changeId }: ChangeRow,
  outlines: ReadonlyMap<string, Outline>,
): Promise<ChangeEvents | null> {
  const events = await eventsOfChange(db, changeId, maxBytesAtOnce)
  const isLarge = events.some(({ body }) => body === null)
  const received: ReceivedEvent[] = []
  for (const { body, ...event } of events) {
    const outline = body ? { parsed: readStored({ ...event, body }), hasText: false } : outlines.get(event.id)
    if (!outline) return null
    const { parsed, hasText } = outline
    const text = isLarge ? { text: hasText ? ('in-body' as const) : ('none' as const) } : {}
    received.push({ id: event.id, occurredAt: event.occurred_at, parsed, ...text })
  }
  return { events, received }
}
