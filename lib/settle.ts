import { setImmediate } from 'node:timers/promises'
import { tellBurst } from './bursts.ts'
import type { ChangeDetail } from './change.ts'
import { type Closed, type Closing, closeChange, type Heard } from './close-change.ts'
import { claimChanges, deleteChange, isOpen, postponeChanges } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { eventsOfChange, moveEvents, twinChange } from './db/events.ts'
import type { VersionContent } from './db/prompts.ts'
import type { ChangeRow } from './db/schema.ts'
import { noteFailure } from './db/settle-failures.ts'
import { unsynced } from './db/unsynced.ts'
import type { CallbackIds, TraceAnswer } from './describe-callback.ts'
import type { Elsewhere, Wanted, WantedVersion } from './elsewhere.ts'
import { tellGivenUp } from './given-up.ts'
import { noteUnsettled } from './journal.ts'
import { createLookups, type Lookups } from './lookups.ts'
import { burstKinds } from './observed.ts'
import type { Routes } from './rules.ts'
import { readStored } from './sources/stored-body.ts'
import { isStatementTimeout, isStoreFailure } from './store-error.ts'
import { type Told, tell } from './tell.ts'
import { describeUndescribed, waitAfter } from './undescribed.ts'
import { tellTrouble } from './watch.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
  /** What is read from Langfuse. Absent without API keys. */
  readVersion?: (wanted: WantedVersion) => Promise<VersionContent | null>
  readTrace?: (wanted: CallbackIds) => Promise<TraceAnswer>
}

/** The parts of a settler that a loop has; without them it is looked at once. */
export interface SettlerWorld {
  /** True: nothing more is read from Langfuse. */
  stopping: () => boolean
  /** What a change waited for is known: look at the open changes. */
  onReady: () => void
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

/** In one transaction. More would keep the endpoint waiting: a settled change takes about 1 ms, and SQLite gives way to nobody. */
const mostAtOnce = 10

/** `behind`: an earlier change of the same prompt settles first. */
type Found = 'settled' | 'waiting' | 'behind' | 'under-way' | { wanted: Wanted }

export interface Looked {
  /** At how many changes. */
  looked: number
  settled: number
  /** Others may be due. */
  isMore: boolean
}

export interface Settler {
  /** Looks at the open changes that are due next, some at a time: settles each, or finds that something is still to come. */
  settleDue: () => Promise<Looked>
  /** Resolves when nothing is being read for any of them. */
  idle: () => Promise<void>
}

/**
 * Settles changes. What no event told is read from Langfuse beside it, because one that waits for the network would hold
 * up everything else; its change is due again with the answer. A change that throws is set apart at once and holds up no
 * other; an error of the store is thrown, and counts against no change.
 */
export function createSettler(deps: SettleDeps, { stopping, onReady, onError }: SettlerWorld): Settler {
  const { db, now } = deps
  const onAnswer = async (changeId: string, againAt: number | null) => {
    await postponeChanges(db, [changeId], againAt ?? now())
    onReady()
  }
  const lookups = createLookups({ readers: deps, now, stopping, onAnswer, onError })
  return {
    settleDue: async () => {
      const { ids, settled } = await settleBatch(deps, lookups)
      return { looked: ids.length, settled, isMore: ids.length === mostAtOnce }
    },
    idle: lookups.idle,
  }
}

/** One look without a loop, with what has to be read from Langfuse for it. */
export async function settleDue(deps: SettleDeps): Promise<Looked> {
  let isReady = false
  const onReady = () => {
    isReady = true
  }
  const onError = (error: unknown) => {
    throw error
  }
  const settler = createSettler(deps, { stopping: () => false, onReady, onError })
  const looked = await settler.settleDue()
  await settler.idle()
  while (isReady) {
    isReady = false
    looked.settled += (await settler.settleDue()).settled
    await settler.idle()
  }
  return looked
}

/** All that are due together; where one throws, that one is set apart, and the others are settled one by one. */
async function settleBatch(deps: SettleDeps, lookups: Lookups): Promise<{ ids: string[]; settled: number }> {
  const progress: Progress = { ids: [], at: null }
  try {
    const settled = await look(deps, lookups, { id: null, progress })
    return { ids: progress.ids, settled }
  } catch (error) {
    const { ids } = progress
    const failed = await setApart(deps, progress, error)
    let settled = 0
    for (const id of ids) if (id !== failed && (await settleAlone(deps, lookups, id))) settled++
    return { ids, settled }
  }
}

async function settleAlone(deps: SettleDeps, lookups: Lookups, id: string): Promise<boolean> {
  const progress: Progress = { ids: [], at: null }
  // As in the loop: SQLite gives way to nobody.
  await setImmediate()
  try {
    return (await look(deps, lookups, { id, progress })) > 0
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
  lookups: Lookups,
  { id, progress }: { id: string | null; progress: Progress },
): Promise<number> {
  const closed: Closed[] = []
  const onClosed = (one: Closed) => closed.push(one)
  const found = await unsynced(db, async (trx) => {
    const rows = await claimChanges(trx, { now: now(), id, most: mostAtOnce })
    progress.ids = rows.map((row) => row.id)
    const all: { row: ChangeRow; is: Found }[] = []
    for (const row of rows) {
      progress.at = row
      const elsewhere = lookups.known(row.id)
      const is = lookups.isUnderWay(row.id)
        ? 'under-way'
        : await settleClaimed(trx, row, { routes, now: now(), elsewhere, onClosed })
      all.push({ row, is })
    }
    progress.at = null
    const idsOf = (wants: (is: Found) => boolean) => all.flatMap(({ row, is }) => (wants(is) ? [row.id] : []))
    await postponeChanges(
      trx,
      idsOf((is) => is === 'waiting'),
      null,
    )
    const isRead = (is: Found) => is === 'under-way' || typeof is === 'object'
    await postponeChanges(trx, idsOf(isRead), now() + readMs)
    const isLater = (is: Found) => is === 'behind'
    await postponeChanges(trx, idsOf(isLater), now() + behindMs)
    return all
  })
  for (const { note } of closed) note(now())
  for (const { row, is } of found) {
    if (typeof is === 'object') lookups.begin({ id: row.id, openedAt: row.opened_at }, is.wanted)
    else if (is === 'settled') lookups.forget(row.id)
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
      const [claimed] = await claimChanges(trx, { now: now(), id: row.id, most: 1 })
      if (!claimed) return
      const events = await eventsOfChange(trx, row.id)
      const told = describeUndescribed(claimed, { ...failed, events: events.length }, now())
      await closeChange(trx, claimed, told, { events, said: [] }, { routes, now: now(), onClosed })
    })
  } catch (error) {
    if (isStoreFailure(error)) throw error
    noteUnsettled({ changeId: row.id, failures: failed.failures, isLast: true }, error)
    await postponeChanges(db, [row.id], now() + hopelessMs)
  }
  for (const { note } of closed) note(now())
}

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { elsewhere, ...closing }: Closing & { elsewhere: Elsewhere },
): Promise<Found> {
  const { now } = closing
  const own = await ownTold(trx, row, now)
  if (own) {
    await closeChange(trx, row, own, { events: [], said: [] }, closing)
    return 'settled'
  }
  if (await isBehind(trx, row)) return 'behind'
  const heard = await heardOf(trx, row)
  if (await joinTwin(trx, row, heard)) return 'settled'
  const told = burstKinds.includes(row.kind)
    ? tellBurst(row)
    : await tellEvents(trx, heard, { mayWait: row.due_at > now, elsewhere })
  if (told === 'waiting') return told
  if (told && 'wanted' in told) return told
  // Without one it was opened for an event that another instance turned out to have stored first.
  if (told) await closeChange(trx, row, told, heard, closing)
  else await deleteChange(trx, row.id)
  return 'settled'
}

/** Whether the change that was due before this one's first event came is still to be settled. */
async function isBehind(trx: Db, { detail }: ChangeRow): Promise<boolean> {
  const { behind } = JSON.parse(detail) as ChangeDetail
  return behind !== undefined && (await isOpen(trx, behind))
}

/**
 * Two automations tell of one alert at once, and two instances may each have opened a change for it: the later one, or
 * the one that is not settled yet, gives its events to the other.
 */
async function joinTwin(trx: Db, { id }: ChangeRow, { said }: Heard): Promise<boolean> {
  if (!said.some(({ type }) => type === 'monitor-alert' || type === 'project-notification')) return false
  const twin = await twinChange(trx, id)
  if (!twin || (twin.status === 'settling' && twin.id > id)) return false
  await moveEvents(trx, id, twin.id)
  await deleteChange(trx, id)
  return true
}

/** What the relay reports of itself; null: it is about events. */
async function ownTold(trx: Db, row: ChangeRow, now: number): Promise<Told | null> {
  if (row.kind === 'given-up') return tellGivenUp(trx, row, now)
  return row.kind === 'trouble' || row.kind === 'trouble-over' ? tellTrouble(row) : null
}

async function tellEvents(
  trx: Db,
  { events, said }: Heard,
  deps: Parameters<typeof tell>[2],
): Promise<Awaited<ReturnType<typeof tell>> | null> {
  if (events.length === 0) return null
  const received = events.flatMap(({ id, occurred_at }, i) => {
    const one = said[i]
    return one ? [{ id, occurredAt: occurred_at, said: one }] : []
  })
  return tell(trx, received, deps)
}

async function heardOf(db: Db, { id }: ChangeRow): Promise<Heard> {
  const events = await eventsOfChange(db, id)
  return { events, said: events.map(readStored) }
}
