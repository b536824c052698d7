import { tellBurst } from './bursts.ts'
import { type Closed, type Closing, closeChange, type Heard } from './close-change.ts'
import { claimChanges, deleteChange, postponeChanges } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { eventsOfChange } from './db/events.ts'
import type { VersionContent } from './db/prompts.ts'
import type { ChangeRow } from './db/schema.ts'
import { unsynced } from './db/unsynced.ts'
import type { CallbackIds, TraceAnswer } from './describe-callback.ts'
import { type Elsewhere, readings, type Wanted, type WantedVersion } from './elsewhere.ts'
import { tellGivenUp } from './given-up.ts'
import { burstKinds } from './observed.ts'
import type { Routes } from './rules.ts'
import { readStored } from './sources/stored-body.ts'
import { tell } from './tell.ts'
import { tellTrouble } from './watch.ts'

export interface SettleDeps {
  db: Db
  routes: Routes
  now: () => number
  /** What is read from Langfuse. Absent without API keys. */
  readVersion?: (wanted: WantedVersion) => Promise<VersionContent | null>
  readTrace?: (wanted: CallbackIds) => Promise<TraceAnswer>
}

/** A change that cannot be settled (a bug of ours) is tried again after this long; its events stay. */
const retryMs = 30_000
/** While something is read from Langfuse, the change is left alone for this long. */
const readMs = 30_000

/** In one transaction. More would keep the door waiting: a settled change takes about 1 ms, and SQLite gives way to nobody. */
const mostAtOnce = 10

type Found = 'settled' | 'waiting' | { wanted: Wanted }

/** Something that must be read elsewhere before this change can be told. */
interface Wanting {
  wanted: Wanted
  row: ChangeRow
}

interface Looked {
  rows: ChangeRow[]
  settled: number
  wanting: Wanting[]
}

/**
 * Looks at the open changes that are due next, some at a time: settles each, or finds that more of its edit is still to
 * come. `looked`: at how many; `isMore`: others may be due. What no event told is read from Langfuse between two transactions,
 * because one that waits for the network would hold up everything else.
 */
export async function settleDue(
  deps: SettleDeps,
): Promise<{ looked: number; settled: number; isMore: boolean }> {
  const { rows, settled, wanting } = await look(deps, readings(deps).elsewhere, null)
  let later = 0
  for (const one of wanting) if (await readAndSettle(deps, one)) later++
  return { looked: rows.length, settled: settled + later, isMore: rows.length === mostAtOnce }
}

async function readAndSettle(deps: SettleDeps, first: Wanting): Promise<boolean> {
  const { db, now } = deps
  const { row } = first
  const known = readings(deps)
  let { wanted } = first
  // A difference wants two texts at most.
  for (let round = 0; round < 2; round++) {
    const againAt = await known.read(wanted, { since: row.opened_at, now: now() })
    if (againAt !== null) {
      await postponeChanges(db, [row.id], againAt)
      return false
    }
    const { settled, wanting } = await look(deps, known.elsewhere, row.id)
    if (wanting[0] === undefined) return settled > 0
    wanted = wanting[0].wanted
  }
  return false
}

/** `id`: the change to look at; null: what is due next. */
async function look(
  { db, routes, now }: SettleDeps,
  elsewhere: Elsewhere,
  id: string | null,
): Promise<Looked> {
  let at: string | null = null
  const closed: Closed[] = []
  try {
    const looked = await unsynced(db, async (trx) => {
      const rows = await claimChanges(trx, { now: now(), id, most: mostAtOnce })
      const found: { row: ChangeRow; is: Found }[] = []
      for (const row of rows) {
        at = row.id
        const onClosed = (one: Closed) => closed.push(one)
        found.push({ row, is: await settleClaimed(trx, row, { routes, now: now(), elsewhere, onClosed }) })
      }
      at = null
      const wanting = found.flatMap(({ row, is }) => (typeof is === 'object' ? [{ ...is, row }] : []))
      await postponeChanges(trx, idsOf(found.filter(({ is }) => is === 'waiting')), null)
      await postponeChanges(trx, idsOf(wanting), now() + readMs)
      return { rows, settled: found.filter(({ is }) => is === 'settled').length, wanting }
    })
    for (const { note } of closed) note(now())
    return looked
  } catch (error) {
    // The others were not settled either, and are when the loop looks again.
    if (at !== null) await postponeChanges(db, [at], now() + retryMs)
    throw error
  }
}

const idsOf = (found: { row: ChangeRow }[]): string[] => found.map(({ row }) => row.id)

async function settleClaimed(
  trx: Db,
  row: ChangeRow,
  { elsewhere, ...closing }: Closing & { elsewhere: Elsewhere },
): Promise<Found> {
  const { now } = closing
  if (row.kind === 'given-up') {
    await closeChange(trx, row, await tellGivenUp(trx, row, now), [], closing)
    return 'settled'
  }
  if (row.kind === 'trouble' || row.kind === 'trouble-over') {
    await closeChange(trx, row, tellTrouble(row), [], closing)
    return 'settled'
  }
  if (burstKinds.includes(row.kind)) {
    const told = tellBurst(row)
    if (told) await closeChange(trx, row, told, await heardOf(trx, row), closing)
    else await deleteChange(trx, row.id)
    return 'settled'
  }
  const heard = await heardOf(trx, row)
  if (heard.length === 0) {
    // Opened for an event that another instance turned out to have stored first.
    await deleteChange(trx, row.id)
    return 'settled'
  }
  const events = heard.map(({ event, said }) => ({ id: event.id, occurredAt: event.occurred_at, said }))
  const told = await tell(trx, events, { mayWait: row.due_at > now, elsewhere })
  if (told === 'waiting' || 'wanted' in told) return told
  await closeChange(trx, row, told, heard, closing)
  return 'settled'
}

async function heardOf(db: Db, { id }: ChangeRow): Promise<Heard[]> {
  const events = await eventsOfChange(db, id)
  return events.map((event) => ({ event, said: readStored(event) }))
}
