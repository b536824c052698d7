import { nextTry } from '../../base/retry.ts'
import { afterAttempt, type Circuit } from '../../core/delivery/circuit.ts'
import type { Outcome } from '../../core/delivery/delivery.ts'
import { gatherEnd } from '../../core/delivery/storm.ts'
import type { Db } from '../../store/client.ts'
import type { AttemptRow, DeliveryOrderRow, DeliveryRow } from '../../store/schema.ts'
import { indexErrors } from '../../store/search/index-write.ts'
import { type AfterAttempt, writeAttempts } from '../../store/tables/deliveries.ts'
import { unparkDeliveries } from '../../store/tables/delivery-orders.ts'
import { lockTarget, saveLimit, updateTarget } from '../../store/tables/targets.ts'
import { noteGivenUp } from '../settle/given-up.ts'

/** One attempt that has ended. */
export interface EndedAttempt {
  row: DeliveryRow
  /** If others of the same incident wait for it. */
  order?: DeliveryOrderRow | undefined
  startedAt: number
  endedAt: number
  outcome: Outcome
  probe: boolean
  /** It went out with many others in one message, and does so again. */
  isStorm?: boolean
  /**
   * How it counts for the target. `again`: not, because another delivery of the same message counts, and one failed message
   * must not count as twenty. `ours`: not, because the relay could not make the message.
   */
  weight: 'counts' | 'again' | 'ours'
}

export interface RecordDeps {
  db: Db
  now: () => number
  random: () => number
  /** The target's name, and whether another target is notified of troubles with it. */
  target: string
  announces: boolean
  /** Seconds before each try; undefined: the usual schedule. */
  schedule: number[] | undefined
  /** The retries of one storm are due together, at the end of such a period. */
  periodMs: number
}

const attemptOf = ({ row, startedAt, endedAt, outcome }: EndedAttempt): AttemptRow => ({
  delivery_id: row.id,
  number: row.attempt,
  started_at: startedAt,
  duration_ms: Math.max(0, Math.round(endedAt - startedAt)),
  outcome: outcome.outcome,
  status_code: outcome.statusCode,
  reason: outcome.reason,
  request: outcome.request,
  response: outcome.response,
})

/** What would be due at slightly different times is due together. */
function stateAfter(
  ended: EndedAttempt,
  deps: RecordDeps,
  at: { time: number; circuit: Circuit },
): AfterAttempt {
  const after = aloneAfter(ended, deps, at)
  if (!ended.isStorm || after.next_at === null) return after
  return { ...after, next_at: gatherEnd(after.next_at, deps.periodMs) }
}

function aloneAfter(
  { row, outcome }: EndedAttempt,
  { random, schedule }: RecordDeps,
  { time, circuit }: { time: number; circuit: Circuit },
): AfterAttempt {
  const { failures } = row
  const { reason } = outcome
  if (outcome.outcome === 'delivered') {
    return { status: 'delivered', failures, next_at: null, reason: null, finished_at: time }
  }
  if (outcome.outcome === 'dry-run') {
    return { status: 'dry-run', failures, next_at: null, reason, finished_at: time }
  }
  if (outcome.outcome === 'failed') {
    return { status: 'failed', failures: failures + 1, next_at: null, reason, finished_at: time }
  }
  if (outcome.outcome === 'wait') {
    // Not before the target's limit ends, whatever this answer says.
    const next_at = Math.max(time + 1000, circuit.limit?.until ?? 0)
    return { status: 'retrying', failures, next_at, reason, finished_at: null }
  }
  const next = nextTry({
    failures: failures + 1,
    delays: schedule,
    retryAfterMs: outcome.retryAfterMs,
    now: time,
    random,
  })
  if ('givenUp' in next) {
    const given = `Given up after ${failures + 1} attempts. ${reason}`
    return { status: 'failed', failures: failures + 1, next_at: null, reason: given, finished_at: time }
  }
  return { status: 'retrying', failures: failures + 1, next_at: next.at, reason, finished_at: null }
}

/** If a probe was not sent, the next delivery may be one. */
function circuitAfter(
  circuit: Circuit,
  { outcome, probe, weight }: EndedAttempt,
  { now, delays }: { now: number; delays: number[] | undefined },
): Circuit {
  if (weight === 'ours' || outcome.outcome === 'dry-run')
    return probe ? { ...circuit, open_until: now } : circuit
  return weight === 'again' ? circuit : afterAttempt(circuit, { outcome, now, probe, delays })
}

export interface Recorded {
  /** Another target is to be notified of what was given up. */
  opensTrouble: boolean
  /** Ids of deliveries without a further try. */
  givenUp: Set<string>
}

/** Writes attempts, and what follows for their deliveries and the target, in one transaction. */
export async function recordAttempts(deps: RecordDeps, finished: EndedAttempt[]): Promise<Recorded> {
  const { db, now, target } = deps
  return db.transaction().execute(async (trx) => {
    const before = await lockTarget(trx, target)
    const time = now()
    const how = { now: time, delays: deps.schedule }
    const circuit = finished.reduce<Circuit>((state, one) => circuitAfter(state, one, how), before)
    const ended = finished.map((one) => ({
      attempt: attemptOf(one),
      after: stateAfter(one, deps, { time, circuit }),
    }))
    const taken = await writeAttempts(trx, ended)
    await unparkDeliveries(
      trx,
      finished.flatMap(({ order }) => order ?? []),
      time,
    )
    const givenUp = new Set(
      ended
        .filter(({ attempt, after }) => after.status === 'failed' && taken.has(attempt.delivery_id))
        .map(({ attempt }) => attempt.delivery_id),
    )
    // The reason of the previous attempt is indexed already.
    const failed = finished.filter(
      ({ row, outcome }) =>
        outcome.outcome !== 'delivered' && outcome.outcome !== 'dry-run' && outcome.reason !== row.reason,
    )
    await indexErrors(
      trx,
      failed.map(({ row }) => row.change_id),
    )
    const opensTrouble = givenUp.size > 0 && deps.announces
    if (opensTrouble) await noteGivenUp(trx, target, before.announced_at, time)
    if (circuit.limit !== before.limit) await saveLimit(trx, target, circuit.limit)
    const { failures, open_until, opened, next_slot_at } = circuit
    if (circuit !== before) await updateTarget(trx, target, { failures, open_until, opened, next_slot_at })
    return { opensTrouble, givenUp }
  })
}
