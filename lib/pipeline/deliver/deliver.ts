import { setImmediate } from 'node:timers/promises'
import { sharedCommit } from '../../base/shared-commit.ts'
import { isDataError } from '../../base/store-error.ts'
import type { Change } from '../../core/change/change.ts'
import { isOpen, isProbing, nextSlot } from '../../core/delivery/circuit.ts'
import { gatherMs } from '../../core/delivery/storm.ts'
import type { Routes } from '../../core/rules/rules.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow } from '../../store/schema.ts'
import { changesById } from '../../store/tables/changes.ts'
import {
  type ClaimedDelivery,
  claimDeliveries,
  countDue,
  countSending,
  nextDelivery,
  releaseDeliveries,
} from '../../store/tables/deliveries.ts'
import { lockTarget, updateTarget } from '../../store/tables/targets.ts'
import { canDigest, digestFrom, maxDigest } from '../../targets/target.ts'
import { noteAttempt, noteSkipped } from '../journal.ts'
import { keepOrder, type Ordered } from './order.ts'
import { type EndedAttempt, recordAttempts } from './record.ts'
import { type Batch, type SendDeps, type Sent, sendBatch } from './send.ts'
import { type Claiming, sortStorm } from './storm.ts'

/** After this long, a worker counts as dead. Longer than the longest send. */
const leaseMs = 60_000
const recordAgainMs = 1000
/** Concurrent sends to one target from one instance. */
const maxAtOnce = 50
/** How long to wait while other instances use up a target's limit: their progress is not visible here. */
const fullWindowMs = 1000

export interface DeliverDeps extends SendDeps {
  routes: Routes
  /** Retries of gathered deliveries are due at the end of such a period, as they were at first. */
  gatherMs?: number
  random: () => number
  /** True: claim nothing more. */
  stopping: () => boolean
  onError: (error: unknown) => void
  /** Whether another target is notified of troubles with this one. */
  announces: boolean
  /** A change of the relay's own was opened and is to be settled. */
  onTrouble: () => void
}

interface Claim extends Ordered {
  /** The changes they are about, by id. */
  changes: Map<string, Change>
  probe: boolean
  /** What goes out in one message each. */
  messages: Pick<Batch, 'rows' | 'form'>[]
}

/** Claims what may be sent now, or returns when to try again. Locks the target's row: its pace holds for all instances. */
async function claim(
  { db, now, routes: { rules } }: DeliverDeps,
  name: string,
  target: Target,
  free: number,
): Promise<Claim | { at: number } | null> {
  const perSecond = target.perSecond ?? 0
  return db.transaction().execute(async (trx) => {
    const state = await lockTarget(trx, name)
    const time = now()
    if (isOpen(state, time)) return { at: state.open_until ?? time }
    const paceMs = perSecond > 0 ? Math.ceil(1000 / perSecond) : 0
    const slot = nextSlot(state, time, paceMs)
    if (slot !== null) return { at: slot }
    const probe = isProbing(state, time)
    const window = state.limit?.send_window ?? maxAtOnce
    const underWay = state.limit === null ? 0 : await countSending(trx, name, time, window)
    if (underWay >= window) return { at: time + fullWindowMs }
    const isDigest = !probe && perSecond > 0 && (await digestWaits(trx, name, target, time))
    const max = isDigest ? maxDigest : probe || perSecond > 0 ? 1 : Math.min(free, window - underWay)
    const claimed = await claimDeliveries(trx, name, { now: time, max }, leaseMs)
    if (claimed.length === 0) return null
    const part = { name, target, rules, now: time, max, leaseMs }
    const found = { ...(await arrange(trx, claimed, { ...part, isDigest })), probe }
    if (found.rows.length === 0) return found
    if (perSecond > 0) await updateTarget(trx, name, { next_slot_at: time + paceMs })
    if (probe) await updateTarget(trx, name, { open_until: time + leaseMs })
    return found
  })
}

/** What of the claimed deliveries is sent now, and in which messages. */
async function arrange(
  trx: Db,
  claimed: ClaimedDelivery[],
  { isDigest, ...part }: Claiming & { isDigest: boolean },
): Promise<Omit<Claim, 'probe'>> {
  const storm = await sortStorm(trx, claimed, part)
  const { alone, together, skipped } = storm ?? { alone: claimed, together: [], skipped: [] }
  const rows = [...alone, ...together]
  const changes = await changesById(trx, [...new Set(rows.map((row) => row.change_id))])
  const ordered = await keepOrder(trx, { rows, changes }, part.now)
  const form = isDigest && storm === null ? 'digest' : 'alone'
  const messages = messagesOf(ordered.rows, { form, together: new Set(together.map(({ id }) => id)) })
  return { ...ordered, skipped: [...skipped, ...ordered.skipped], changes, messages }
}

async function digestWaits(trx: Db, name: string, target: Target, now: number): Promise<boolean> {
  if (!canDigest(target)) return false
  return (await countDue(trx, name, { now, max: digestFrom + 1 })) > digestFrom
}

function messagesOf(
  rows: DeliveryRow[],
  { form, together }: { form: 'digest' | 'alone'; together: ReadonlySet<string> },
): Claim['messages'] {
  const [storm, others] = [true, false].map((is) => rows.filter(({ id }) => together.has(id) === is))
  const parts: Claim['messages'] = [
    { form: 'storm', rows: storm ?? [] },
    ...(form === 'digest'
      ? [{ form, rows: others ?? [] }]
      : (others ?? []).map((row) => ({ form, rows: [row] }))),
  ]
  return parts.filter((part) => part.rows.length > 0)
}

type Part = Omit<Claim, 'messages' | 'skipped'> & Pick<Batch, 'form'>

/** Sends what was claimed as one message, and records how it ended. */
function deliverer(name: string, target: Target, deps: DeliverDeps): (part: Part) => Promise<void> {
  const { db, now } = deps
  const record = recorder(name, target, deps)
  return async ({ rows, changes, orders, form, probe }) => {
    const sent = await sendBatch(deps, target, { target: name, rows, changes, form })
    // Interrupted by the end of the process, not by the target: given back without an attempt. Answered sends count.
    const isCut = ({ outcome }: Sent) => outcome.outcome === 'retry' && outcome.statusCode === null
    const cut = deps.stop.aborted ? sent.filter(isCut).map(({ row }) => row) : []
    await Promise.all([
      releaseDeliveries(db, cut, now()),
      ...sent
        .filter(({ row }) => !cut.includes(row))
        .map((one) => record({ ...one, order: orders.get(one.row.id), probe, isStorm: form === 'storm' })),
    ])
  }
}

/** A delivery that was sent but not recorded would be sent again, so it tries until the lease is about to end. */
function recorder(target: string, { retryDelays }: Target, deps: DeliverDeps) {
  const { db, now, random, announces } = deps
  const commit = sharedCommit({
    isOfData: isDataError,
    commit: async (ended: EndedAttempt[]) => {
      const periodMs = deps.gatherMs ?? gatherMs
      const recording = { db, now, random, target, announces, schedule: retryDelays, periodMs }
      const { opensTrouble, givenUp } = await recordAttempts(recording, ended)
      if (opensTrouble) deps.onTrouble()
      return ended.map(({ row }) => givenUp.has(row.id))
    },
  })
  return async (ended: EndedAttempt): Promise<void> => {
    for (;;) {
      try {
        return note(target, ended, await commit(ended))
      } catch (error) {
        deps.onError(error)
        const late = now() > ended.startedAt + leaseMs - 2 * recordAgainMs
        if (late || deps.stop.aborted) return
        await new Promise((resolve) => setTimeout(resolve, recordAgainMs))
      }
    }
  }
}

function note(target: string, { row, outcome, startedAt, endedAt }: EndedAttempt, givenUp: boolean): void {
  const { id: deliveryId, change_id: changeId, attempt, created_at: createdAt } = row
  const { statusCode, reason } = outcome
  const tried = { deliveryId, changeId, attempt, outcome: outcome.outcome, statusCode, reason, givenUp }
  noteAttempt({ target, ...tried, milliseconds: endedAt - startedAt }, endedAt - createdAt)
}

/** Delivers to one target. `run` starts what may be sent now, and returns when to run again; null: when woken. */
export function createDelivery(name: string, target: Target, deps: DeliverDeps, wake: () => void) {
  const deliver = deliverer(name, target, deps)
  const underWay = new Set<Promise<void>>()

  async function run(): Promise<number | null> {
    while (underWay.size < maxAtOnce && !deps.stopping()) {
      await setImmediate()
      const claimed = await claim(deps, name, target, maxAtOnce - underWay.size)
      if (claimed === null) return nextDelivery(deps.db, name)
      if ('at' in claimed) return claimed.at
      for (const { row, reason } of claimed.skipped)
        noteSkipped({ target: name, deliveryId: row.id, changeId: row.change_id, reason })
      for (const message of claimed.messages) start({ ...claimed, ...message })
    }
    return null
  }

  function start(part: Part): void {
    const delivering = deliver(part)
      .catch(deps.onError)
      .finally(() => {
        underWay.delete(delivering)
        if (underWay.size <= maxAtOnce / 2) wake()
      })
    underWay.add(delivering)
  }

  /** Resolves when nothing is being sent. */
  async function idle(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay)
  }

  return { run, idle }
}
