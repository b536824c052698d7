import { createHash } from 'node:crypto'
import { newId } from '../base/id.ts'
import { sharedCommit } from '../base/shared-commit.ts'
import { isDataError } from '../base/store-error.ts'
import { isObserved } from '../core/change/observed.ts'
import { type Db, isPostgres } from '../store/client.ts'
import type { ChangeRow } from '../store/schema.ts'
import { chunksOf } from '../store/statement.ts'
import { endJoining, newChange } from '../store/tables/changes.ts'
import {
  type KeyedEvent,
  parametersOfEvent,
  storedEvents,
  storeUnderChanges,
} from '../store/tables/events.ts'
import { type Arrival, eventRow } from './arrival.ts'
import { addToBursts, type Bursts } from './settle/bursts.ts'

export interface Received {
  status: 'accepted' | 'duplicate'
  eventId: string
}

export interface Window {
  /** How long after its newest event an open change settles, milliseconds. */
  settleMs: number
  now: () => number
  /** How traces and scores are grouped; absent: for no rule, over five minutes. */
  bursts?: Omit<Bursts, 'maxKept'>
}

const defaultBursts = { coolDownMs: 5 * 60_000, rules: [] }

/**
 * Events of one prompt that arrive together share an open change; any other event has its own. What another project may have
 * signed stays apart.
 */
function openKeyOf(arrival: Arrival): string | null {
  if (arrival.event.type !== 'prompt-version') return null
  const { projectId, subject, signedFor } = arrival
  const apart = signedFor === undefined ? '' : `\n${signedFor}`
  return createHash('sha256').update(`${projectId}\n${subject}${apart}`).digest('hex')
}

/** `due`: by open key, a change that was due before this event came, and settles before it. */
function changeFor(arrival: Arrival, { settleMs, now, due }: Opening): ChangeRow {
  const openKey = openKeyOf(arrival)
  const behind = due.get(openKey ?? '')
  return newChange({
    now,
    openKey,
    projectId: arrival.projectId,
    subject: arrival.subject,
    version: arrival.event.type === 'prompt-version' ? arrival.event.version : null,
    test: arrival.test,
    detail: behind === undefined ? {} : { behind },
    eventCount: 1,
    dueAt: openKey === null ? now : now + settleMs,
    nextAt: now,
  })
}

interface Opening {
  settleMs: number
  now: number
  due: Map<string, string>
}

/** New changes: one for each prompt, and one for each other event and its twins. */
function changesFor(arrivals: Arrival[], opening: Opening): Map<Arrival, ChangeRow> {
  const open = new Map<string, ChangeRow>()
  return new Map(
    arrivals.map((arrival) => {
      const fresh = changeFor(arrival, opening)
      const key = fresh.open_key ?? (arrival.twinKey === null ? null : `twin ${arrival.twinKey}`)
      const shared = open.get(key ?? '') ?? fresh
      if (key !== null) open.set(key, shared)
      return [arrival, shared]
    }),
  )
}

/** `twins`: by twin key, changes that have an event of the same edit. `due`: by open key, changes that take no more events. */
async function storeNew(
  db: Db,
  arrivals: Arrival[],
  { twins, due, ...window }: Window & { twins: Map<string, string>; due: Map<string, string> },
): Promise<Map<string, string>> {
  // Every event that was sent is stored.
  const bursts = { ...defaultBursts, ...window.bursts, maxKept: Number.POSITIVE_INFINITY }
  const inBursts = await addToBursts(db, arrivals, bursts, window.now())
  const unplaced = arrivals.filter((arrival) => !twins.has(arrival.twinKey ?? '') && !inBursts.has(arrival))
  const now = window.now()
  await endJoining(db, [...due.values()], now)
  const fresh = changesFor(unplaced, { settleMs: window.settleMs, now, due })
  const events = arrivals.map((arrival): KeyedEvent => {
    const change = fresh.get(arrival)
    const changeId = change?.id ?? inBursts.get(arrival) ?? twins.get(arrival.twinKey ?? '') ?? ''
    const row = eventRow(arrival, { id: newId('evt', arrival.receivedAt), changeId })
    return { row, openKey: change?.open_key ?? null }
  })
  const inserted = await storeUnderChanges(db, [...new Set(fresh.values())], events)
  return new Map(
    events.flatMap(({ row }) => (inserted.has(row.dedupe_key) ? [[row.dedupe_key, row.id] as const] : [])),
  )
}

/**
 * Stores each event and opens or extends its change, unless it is a repeat. Needs the caller's transaction, except on
 * Postgres if no event belongs to a burst: there it is one statement.
 */
export async function storeArrivals(db: Db, arrivals: Arrival[], window: Window): Promise<Received[]> {
  const received: Received[] = []
  for (const some of chunksOf(arrivals, parametersOfEvent))
    received.push(...(await storeTogether(db, some, window)))
  return received
}

/** At most as many as one statement can hold. */
async function storeTogether(db: Db, arrivals: Arrival[], window: Window): Promise<Received[]> {
  const dedupeKeys = [...new Set(arrivals.map(({ dedupeKey }) => dedupeKey))]
  const twinKeys = [...new Set(arrivals.flatMap(({ twinKey }) => twinKey ?? []))]
  const openKeys = [...new Set(arrivals.flatMap((arrival) => openKeyOf(arrival) ?? []))]
  const now = window.now()
  const { events: stored, ...others } = await storedEvents(db, { dedupeKeys, twinKeys, openKeys, now })
  const first = new Map(arrivals.toReversed().map((arrival) => [arrival.dedupeKey, arrival]))
  const unseen = [...first.values()].filter(({ dedupeKey }) => !stored.has(dedupeKey)).toReversed()
  const inserted =
    unseen.length > 0 ? await storeNew(db, unseen, { ...window, ...others }) : new Map<string, string>()
  // Another instance may have stored the same event meanwhile.
  const lost = unseen.map(({ dedupeKey }) => dedupeKey).filter((key) => !inserted.has(key))
  const since = lost.length > 0 ? await storedEvents(db, { dedupeKeys: lost, twinKeys: [] }) : null
  return arrivals.map((arrival) => {
    const key = arrival.dedupeKey
    const id = first.get(key) === arrival ? inserted.get(key) : undefined
    if (id !== undefined) return { status: 'accepted', eventId: id }
    return {
      status: 'duplicate',
      eventId: inserted.get(key) ?? stored.get(key) ?? since?.events.get(key) ?? '',
    }
  })
}

/**
 * Stores events durably. Resolves after the commit, with `duplicate` for an event that was stored before. Throws if the
 * store is out of reach or full; then nothing was accepted.
 */
export function receiver(db: Db, window: Window): (arrival: Arrival) => Promise<Received> {
  const commit = (arrivals: Arrival[]) =>
    isPostgres(db) && !arrivals.some(({ event }) => isObserved(event))
      ? storeArrivals(db, arrivals, window)
      : db.transaction().execute((trx) => storeArrivals(trx, arrivals, window))
  return sharedCommit({ commit, isOfData: isDataError })
}
