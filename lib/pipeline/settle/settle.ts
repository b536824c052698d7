import { setImmediate } from 'node:timers/promises'
import { isStatementTimeout, isStoreFailure } from '../../base/store-error.ts'
import type { Change, ChangeDetail } from '../../core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '../../core/change/describe-callback.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { isBurstKind } from '../../core/change/kinds.ts'
import type { VersionContent } from '../../core/prompt/fold.ts'
import type { Routes } from '../../core/rules/rules.ts'
import { readStored } from '../../langfuse/stored.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import {
  claimChanges,
  deleteChange,
  isOpen,
  maxClaimed,
  postponeChanges,
} from '../../store/tables/changes.ts'
import { eventHeads, eventsOfChange, moveEvents, twinChange } from '../../store/tables/events.ts'
import { failuresOf, noteFailure } from '../../store/tables/settle-failures.ts'
import { unsynced } from '../../store/unsynced.ts'
import { noteUnsettled } from '../journal.ts'
import { interpretTrouble } from '../watch.ts'
import { interpretBurst } from './bursts.ts'
import { interpretGivenUp } from './given-up.ts'
import { type Interpretation, interpret, type ReceivedEvent } from './interpret.ts'
import { createLargeChanges, type LargeChanges, maxBytesAtOnce, type Outline } from './large-changes.ts'
import type { LabelAnswer, LabelRequest, LookupRequest, Lookups, VersionRequest } from './lookup.ts'
import { createLookupQueue, type LookupQueue } from './lookup-queue.ts'
import { describeUndescribed, waitAfter } from './undescribed.ts'
import { copyTexts } from './version-text.ts'
import { type ChangeEvents, type Closed, type SettlingContext, writeSettlement } from './write-settlement.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
  /** What is read from Langfuse. Absent without API keys. */
  readVersion?: (lookup: VersionRequest) => Promise<VersionContent | null>
  readTrace?: (lookup: CallbackIds) => Promise<TraceAnswer>
  readLabel?: (lookup: LabelRequest) => Promise<LabelAnswer | null>
}

/** The parts of a settler that a loop has; without them it is looked at once. */
export interface SettlerWorld {
  /** True: nothing more is read from Langfuse. */
  stopping: () => boolean
  /** What a change waited for is known: look at the open changes. */
  onReady: () => void
  /** A change settled whose texts are still to be copied (`copyTexts`). */
  onLarge: () => void
  onError: (error: unknown) => void
}

/** While something is read from Langfuse, the change is left alone for this long. */
const readMs = 30_000
/** A change that settles behind another one is looked at so often. */
const behindMs = 1000
/** A change that cannot even be settled as one that could not be described is tried again after this long. */
const hopelessMs = 3_600_000
/** A change at which a statement took too long, in case that the store has not fallen silent. */
const timedOutMs = 5000
/** Characters of an error. */
const maxReason = 300

/** `behind`: an earlier change of the same prompt settles first. */
type Found = 'settled' | 'waiting' | 'behind' | 'under-way' | 'large' | { lookup: LookupRequest }

export interface SettleRound {
  /** At how many changes. */
  claimed: number
  settled: number
  /** Others may be due. */
  isMore: boolean
}

export interface Settler {
  /** Looks at the open changes that are due next, some at a time: settles each, or finds that something is still to come. */
  settleDue: () => Promise<SettleRound>
  /** Resolves when nothing is being read for any of them. */
  idle: () => Promise<void>
}

/**
 * Settles changes. What no event told is read from Langfuse beside it, because one that waits for the network would hold
 * up everything else; its change is due again with the answer. A change that throws is set apart at once and holds up no
 * other; an error of the store is thrown, and counts against no change.
 */
export function createSettler(deps: SettleDeps, world: SettlerWorld): Settler {
  const { stopping, onReady, onLarge, onError } = world
  const { db, now } = deps
  const onAnswer = async (changeId: string, againAt: number | null) => {
    await postponeChanges(db, [changeId], againAt ?? now())
    onReady()
  }
  const onFailed = async (row: ChangeRow, error: unknown) => {
    await setApart(deps, { ids: [row.id], at: row }, error).catch(onError)
  }
  const beside: Beside = {
    lookupQueue: createLookupQueue({ readers: deps, now, stopping, onAnswer, onError }),
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

/** One look without a loop, with what has to be read from Langfuse for it. */
export async function settleDue(deps: SettleDeps): Promise<SettleRound> {
  let isReady = false
  const onReady = () => {
    isReady = true
  }
  const onError = (error: unknown) => {
    throw error
  }
  let isLarge = false
  const onLarge = () => {
    isLarge = true
  }
  const settler = createSettler(deps, { stopping: () => false, onReady, onLarge, onError })
  const claimed = await settler.settleDue()
  await settler.idle()
  while (isReady) {
    isReady = false
    claimed.settled += (await settler.settleDue()).settled
    await settler.idle()
  }
  if (isLarge) await copyTexts(deps.db, () => false)
  return claimed
}

/** What goes on beside settling, for changes that cannot be settled at once. */
interface Beside {
  lookupQueue: LookupQueue
  large: LargeChanges
  onLarge: () => void
}

/** All that are due together; where one throws, that one is set apart, and the others are settled one by one. */
async function settleBatch(deps: SettleDeps, beside: Beside): Promise<{ ids: string[]; settled: number }> {
  const progress: Progress = { ids: [], at: null }
  try {
    const settled = await look(deps, beside, { id: null, progress })
    return { ids: progress.ids, settled }
  } catch (error) {
    const { ids } = progress
    const failed = await setApart(deps, progress, error)
    let settled = 0
    for (const id of ids) if (id !== failed && (await settleAlone(deps, beside, id))) settled++
    return { ids, settled }
  }
}

async function settleAlone(deps: SettleDeps, beside: Beside, id: string): Promise<boolean> {
  const progress: Progress = { ids: [], at: null }
  // As in the loop: SQLite gives way to nobody.
  await setImmediate()
  try {
    return (await look(deps, beside, { id, progress })) > 0
  } catch (error) {
    await setApart(deps, progress, error)
    return false
  }
}

/** How far a look has come, for where it throws. */
interface Progress {
  ids: string[]
  /** The change that is being settled. */
  at: ChangeRow | null
}

/** `id`: the change to look at; null: those that are due next. Gives how many were settled. */
async function look(
  { db, routes, now }: SettleDeps,
  { lookupQueue, large, onLarge }: Beside,
  { id, progress }: { id: string | null; progress: Progress },
): Promise<number> {
  const closed: Closed[] = []
  const onClosed = (one: Closed) => closed.push(one)
  const found = await unsynced(db, async (trx) => {
    const rows = await claimChanges(trx, { now: now(), id })
    progress.ids = rows.map((row) => row.id)
    const all: { row: ChangeRow; is: Found }[] = []
    for (const row of rows) {
      progress.at = row
      const isUnderWay = lookupQueue.isUnderWay(row.id) || large.isUnderWay(row.id)
      const known = { lookups: lookupQueue.known(row.id), outlines: large.known(row.id) }
      const is = isUnderWay
        ? 'under-way'
        : await settleClaimed(trx, row, { routes, now: now(), ...known, onClosed })
      all.push({ row, is })
    }
    progress.at = null
    const idsOf = (wants: (is: Found) => boolean) => all.flatMap(({ row, is }) => (wants(is) ? [row.id] : []))
    await postponeChanges(
      trx,
      idsOf((is) => is === 'waiting'),
      null,
    )
    const isRead = (is: Found) => is === 'under-way' || is === 'large' || typeof is === 'object'
    await postponeChanges(trx, idsOf(isRead), now() + readMs)
    const isLater = (is: Found) => is === 'behind'
    await postponeChanges(trx, idsOf(isLater), now() + behindMs)
    return all
  })
  for (const { note } of closed) note(now())
  for (const { row, is } of found) {
    if (typeof is === 'object') lookupQueue.begin({ id: row.id, openedAt: row.opened_at }, is.lookup)
    else if (is === 'large') large.begin(row)
    else if (is === 'settled') {
      if (large.known(row.id).size > 0) onLarge()
      large.forget(row.id)
      lookupQueue.forget(row.id)
    }
  }
  return found.filter(({ is }) => is === 'settled').length
}

/**
 * Counts a failure against the change that was being settled, which is tried again later or, after some, settled as what it
 * is: not described. Gives its id. Throws the error where it is not the change's: the store has failed.
 */
async function setApart(deps: SettleDeps, { at: row }: Progress, error: unknown): Promise<string> {
  const { db, now } = deps
  if (row === null) throw error
  if (isStoreFailure(error)) {
    // It must not be the first again, in case that it is too much for a statement.
    if (isStatementTimeout(error))
      await postponeChanges(db, [row.id], now() + timedOutMs).catch(() => undefined)
    throw error
  }
  const reason = String(error instanceof Error ? error.message : error)
    .slice(0, maxReason)
    .toWellFormed()
  const { failures, first_at: firstAt } = await noteFailure(db, row.id, { at: now(), reason })
  const waitMs = waitAfter(failures)
  noteUnsettled({ changeId: row.id, failures, isLast: waitMs === null }, error)
  if (waitMs === null) await giveUp(deps, row, { failures, firstAt, reason })
  else await postponeChanges(db, [row.id], now() + waitMs)
  return row.id
}

async function giveUp(
  { db, routes, now }: SettleDeps,
  row: ChangeRow,
  failed: { failures: number; firstAt: number; reason: string },
): Promise<void> {
  const closed: Closed[] = []
  const onClosed = (one: Closed) => closed.push(one)
  try {
    await db.transaction().execute(async (trx) => {
      const [claimed] = await claimChanges(trx, { now: now(), id: row.id })
      if (!claimed) return
      const events = await eventHeads(trx, row.id)
      const told = describeUndescribed(claimed, { ...failed, events: events.length }, now())
      await writeSettlement(trx, claimed, told, { events, parsed: [] }, { routes, now: now(), onClosed })
    })
  } catch (error) {
    if (isStoreFailure(error)) throw error
    noteUnsettled({ changeId: row.id, failures: failed.failures, isLast: true }, error)
    await postponeChanges(db, [row.id], now() + hopelessMs)
  }
  for (const { note } of closed) note(now())
}

/** What was read beside settling. */
interface Known {
  lookups: Lookups
  outlines: ReadonlyMap<string, Outline>
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { lookups, outlines, ...closing }: SettlingContext & Known,
): Promise<Found> {
  const { now } = closing
  const own = await interpretOwn(trx, row, now)
  if (own) {
    await writeSettlement(trx, row, own, { events: [], parsed: [] }, closing)
    return 'settled'
  }
  if (await isBehind(trx, row)) return 'behind'
  const heard = await heardOf(trx, row, outlines)
  if (heard === null) return 'large'
  if (await joinTwin(trx, row, heard)) return 'settled'
  const told = isBurstKind(row.kind as Change['kind'])
    ? interpretBurst(row)
    : await interpretEvents(trx, heard, { mayWait: row.due_at > now, lookups })
  if (told === 'waiting') return told
  if (told && 'lookup' in told) return told
  // Without one it was opened for an event that another instance turned out to have stored first.
  if (told) await writeSettlement(trx, row, told, heard, closing)
  else await deleteChange(trx, row.id)
  return 'settled'
}

/** Whether the change that was due before this one's first event came is still to be settled. */
async function isBehind(trx: Db, { detail }: ChangeRow): Promise<boolean> {
  // Hardly any has one, and reading the whole detail to see that takes longer.
  if (!detail.includes('"behind"')) return false
  const { behind } = JSON.parse(detail) as ChangeDetail
  if (behind === undefined || !(await isOpen(trx, behind))) return false
  // One that not even settles as not described holds up nothing.
  return waitAfter(await failuresOf(trx, behind)) !== null
}

/**
 * Two automations tell of one alert at once, and two instances may each have opened a change for it: the later one, or
 * the one that is not settled yet, gives its events to the other.
 */
async function joinTwin(trx: Db, { id }: ChangeRow, { parsed }: ChangeEvents): Promise<boolean> {
  if (!parsed.some(({ type }) => type === 'monitor-alert' || type === 'project-notification')) return false
  const twin = await twinChange(trx, id)
  if (!twin || (twin.status === 'settling' && twin.id > id)) return false
  await moveEvents(trx, id, twin.id)
  await deleteChange(trx, id)
  return true
}

/** What the relay reports of itself; null: it is about events. */
async function interpretOwn(trx: Db, row: ChangeRow, now: number): Promise<Interpretation | null> {
  if (row.kind === 'given-up') return interpretGivenUp(trx, row, now)
  return row.kind === 'trouble' || row.kind === 'trouble-over' ? interpretTrouble(row) : null
}

async function interpretEvents(
  trx: Db,
  { events, parsed, inBody }: HeardEvents,
  deps: Parameters<typeof interpret>[2],
): Promise<Awaited<ReturnType<typeof interpret>> | null> {
  if (events.length === 0) return null
  const received = events.flatMap(({ id, occurred_at }, i): ReceivedEvent[] => {
    const one = parsed[i]
    if (!one) return []
    return [
      {
        id,
        occurredAt: occurred_at,
        parsed: one,
        ...(inBody && { text: inBody.has(id) ? 'in-body' : 'none' }),
      },
    ]
  })
  return interpret(trx, received, deps)
}

interface HeardEvents extends ChangeEvents {
  /** Of a large change: events whose texts are to be read in their bodies. Null: all are in `said`. */
  inBody: ReadonlySet<string> | null
}

/** Null: they are too large to be read here, and not all of them were read beside. */
async function heardOf(
  db: Db,
  { id }: ChangeRow,
  outlines: ReadonlyMap<string, Outline>,
): Promise<HeardEvents | null> {
  const events = await eventsOfChange(db, id, maxBytesAtOnce)
  const parsed: SourceEvent[] = []
  const inBody = new Set<string>()
  for (const { body, ...event } of events) {
    const outline = body ? { parsed: readStored({ ...event, body }), hasText: false } : outlines.get(event.id)
    if (!outline) return null
    parsed.push(outline.parsed)
    if (outline.hasText) inBody.add(event.id)
  }
  return { events, parsed, inBody: events.some(({ body }) => body === null) ? inBody : null }
}
