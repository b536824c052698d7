import { setImmediate } from 'node:timers/promises'
import { sharedCommit } from '../../base/shared-commit.ts'
import { isDataError } from '../../base/store-error.ts'
import type { Change } from '../../core/change/change.ts'
import { isOpen, isProbing, nextSlot } from '../../core/delivery/circuit.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import type { DeliveryOrderRow, DeliveryRow } from '../../store/schema.ts'
import { changesById } from '../../store/tables/changes.ts'
import {
  claimDeliveries,
  countDue,
  countSending,
  nextDelivery,
  releaseDeliveries,
} from '../../store/tables/deliveries.ts'
import { lockTarget, updateTarget } from '../../store/tables/targets.ts'
import { canDigest, digestFrom, maxDigest, send, sendDigest, sendsText } from '../../targets/target.ts'
import { noteAttempt, noteSkipped } from '../journal.ts'
import { beginAttempt, endAttempt } from './attempt-span.ts'
import { type MessageDeps, messageFor } from './message.ts'
import { keepOrder, type Ordered } from './order.ts'
import { type EndedAttempt, type RecordDeps, recordAttempts } from './record.ts'

/** A worker that says nothing for so long is taken for dead. Longer than the longest send. */
export const leaseMs = 60_000
export const sendTimeoutMs = 10_000
const recordAgainMs = 1000
/** Sends under way at once to one target from one instance. */
const maxAtOnce = 50

export interface DeliverDeps extends MessageDeps {
  now: () => number
  random: () => number
  /** True: no new claims. */
  stopping: () => boolean
  /** Aborted when it may wait no longer. */
  stop: AbortSignal
  onError: (error: unknown) => void
  /** Whether there is another target on which this one's troubles can be told. */
  announces: boolean
  /** A change of the relay's own was opened and is to be settled. */
  onTrouble: () => void
  fetch: typeof globalThis.fetch
  /** Nothing goes out: what would have been sent is kept with its delivery. */
  isDry?: boolean
}

/** Another instance sends all that a target's limit allows: the end of it is not told here. */
const fullWindowMs = 1000

interface Claim extends Ordered {
  /** What they tell of, by id. */
  changes: Map<string, Change>
  probe: boolean
  digest: boolean
}

/** Takes what may go now, or says when to look again. The target's row is locked meanwhile: its pace holds for all instances. */
async function claim(
  { db, now }: DeliverDeps,
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
    const waiting = perSecond > 0 && canDigest(target) ? await countDue(trx, name, time, digestFrom + 1) : 0
    const digest = !probe && waiting > digestFrom
    const max = digest ? maxDigest : probe || perSecond > 0 ? 1 : Math.min(free, window - underWay)
    const claimed = await claimDeliveries(trx, name, max, time, leaseMs)
    if (claimed.length === 0) return null
    const changes = await changesById(trx, [...new Set(claimed.map((row) => row.change_id))])
    const ordered = await keepOrder(trx, { rows: claimed, changes }, time)
    const found = { ...ordered, changes, probe, digest }
    if (ordered.rows.length === 0) return found
    if (perSecond > 0) await updateTarget(trx, name, { next_slot_at: time + paceMs })
    if (probe) await updateTarget(trx, name, { open_until: time + leaseMs })
    return found
  })
}

const bug = (error: unknown): Outcome => ({
  outcome: 'retry',
  reason: `The relay could not make the message: ${error instanceof Error ? error.message : String(error)}`,
  statusCode: null,
  request: '',
  response: null,
  retryAfterMs: null,
})

interface Sent {
  row: DeliveryRow
  order?: DeliveryOrderRow | undefined
  outcome: Outcome
  weight: EndedAttempt['weight']
}

/**
 * Sends one claim and gives an outcome for each of its deliveries. A bug in a message is stored on its delivery
 * and holds up no other.
 */
async function sendClaim(
  deps: DeliverDeps,
  target: Target,
  { rows, changes, digest }: Claim,
): Promise<Sent[]> {
  const broken: Sent[] = []
  const sending: DeliveryRow[] = []
  const messages: Message[] = []
  for (const row of rows) {
    try {
      messages.push(
        await messageFor(deps, { row, change: changes.get(row.change_id), wantsText: sendsText(target) }),
      )
      sending.push(row)
    } catch (error) {
      broken.push({ row, outcome: bug(error), weight: 'ours' })
    }
  }
  const [first] = messages
  if (!first) return broken
  const signal = AbortSignal.any([deps.stop, AbortSignal.timeout(sendTimeoutMs)])
  const context: SendContext = { fetch: deps.fetch, now: deps.now, signal, isDry: deps.isDry ?? false }
  try {
    const outcome = await (digest ? sendDigest(target, messages, context) : send(target, first, context))
    return [...broken, ...sending.map((row, i) => ({ row, outcome, weight: weightOf(i) }))]
  } catch (error) {
    return [...broken, ...sending.map((row) => ({ row, outcome: bug(error), weight: 'ours' as const }))]
  }
}

/** Of the deliveries of one message, the first speaks for all. */
const weightOf = (place: number): EndedAttempt['weight'] => (place === 0 ? 'counts' : 'again')

/** Delivers to one target. `run` starts what may go now and says when to look again; null: when woken. */
export function createDelivery(name: string, target: Target, deps: DeliverDeps, wake: () => void) {
  const { db, now, random } = deps
  const recording: RecordDeps = {
    db,
    now,
    random,
    target: name,
    announces: deps.announces,
    schedule: target.retryDelays,
  }
  const record = sharedCommit({
    isOfData: isDataError,
    commit: async (finished: EndedAttempt[]) => {
      const { tells, givenUp } = await recordAttempts(recording, finished)
      if (tells) deps.onTrouble()
      return finished.map(({ row }) => givenUp.has(row.id))
    },
  })
  const underWay = new Set<Promise<void>>()

  async function sendAndRecord(claimed: Claim): Promise<void> {
    const { probe, orders } = claimed
    const startedAt = now()
    const span = beginAttempt(name, claimed, startedAt)
    const sent = await sendClaim(deps, target, claimed)
    const endedAt = now()
    endAttempt(
      span,
      sent.map(({ outcome }) => outcome),
    )
    // Cut off by the end of the process, not by the target: given back without an attempt. What was answered counts.
    const isCut = ({ outcome }: Sent) => outcome.outcome === 'retry' && outcome.statusCode === null
    const cut = deps.stop.aborted ? sent.filter(isCut) : []
    await Promise.all([
      releaseDeliveries(
        db,
        cut.map(({ row }) => row),
        now(),
      ),
      ...sent
        .filter((one) => !cut.includes(one))
        .map((one) =>
          recordUntilLeaseEnds({ ...one, order: orders.get(one.row.id), startedAt, endedAt, probe }),
        ),
    ])
  }

  /** What was sent but cannot be recorded would be sent again, so it tries until the lease is about to end. */
  async function recordUntilLeaseEnds(finished: EndedAttempt): Promise<void> {
    for (;;) {
      try {
        return note(finished, await record(finished))
      } catch (error) {
        deps.onError(error)
        const late = now() > finished.startedAt + leaseMs - 2 * recordAgainMs
        if (late || deps.stop.aborted) return
        await new Promise((resolve) => setTimeout(resolve, recordAgainMs))
      }
    }
  }

  function note({ row, outcome, startedAt, endedAt }: EndedAttempt, givenUp: boolean): void {
    const { id: deliveryId, change_id: changeId, attempt, created_at: createdAt } = row
    const { statusCode, reason } = outcome
    const tried = { deliveryId, changeId, attempt, outcome: outcome.outcome, statusCode, reason, givenUp }
    noteAttempt({ target: name, ...tried, milliseconds: endedAt - startedAt }, endedAt - createdAt)
  }

  async function run(): Promise<number | null> {
    while (underWay.size < maxAtOnce && !deps.stopping()) {
      await setImmediate()
      const claimed = await claim(deps, name, target, maxAtOnce - underWay.size)
      if (claimed === null) return nextDelivery(deps.db, name)
      if ('at' in claimed) return claimed.at
      for (const { row, reason } of claimed.skipped)
        noteSkipped({ target: name, deliveryId: row.id, changeId: row.change_id, reason })
      const each = claimed.rows.map((row) => ({ ...claimed, rows: [row] }))
      const parts = claimed.digest && claimed.rows.length > 0 ? [claimed] : each
      for (const part of parts) start(part)
    }
    return null
  }

  function start(part: Claim): void {
    const sending = sendAndRecord(part)
      .catch(deps.onError)
      .finally(() => {
        underWay.delete(sending)
        if (underWay.size <= maxAtOnce / 2) wake()
      })
    underWay.add(sending)
  }

  /** Resolves when nothing is under way. */
  const idle = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay)
  }

  return { run, idle }
}
