import type { Change, Fact } from './change.ts'
import { afterAttempt, type Circuit, isOpen, isProbing } from './circuit.ts'
import { changeById } from './db/changes.ts'
import type { Db } from './db/client.ts'
import {
  claimDeliveries,
  countDue,
  nextDelivery,
  releaseDeliveries,
  type Settlement,
  settleAttempt,
} from './db/deliveries.ts'
import { contentOf } from './db/prompts.ts'
import type { DeliveryRow } from './db/schema.ts'
import { lockTarget, updateTarget } from './db/targets.ts'
import type { Message, Outcome, SendContext } from './delivery.ts'
import { noteGivenUp } from './given-up.ts'
import { changeUrl, promptUrl } from './links.ts'
import { nextTry, waitTry } from './retry.ts'
import type { Target } from './rules.ts'
import { sharedCommit } from './shared-commit.ts'
import { canDigest, digestFrom, digestMost, send, sendDigest, wantsText } from './targets/send.ts'

/** A worker that says nothing for so long is taken for dead. Longer than the longest send. */
export const leaseMs = 60_000
export const sendTimeoutMs = 10_000
const recordAgainMs = 1000
/** Sends under way at once to one target from one instance. */
const mostAtOnce = 20

export interface DeliverDeps {
  db: Db
  now: () => number
  random: () => number
  /** True when the process is going down: no new claims. */
  stopping: () => boolean
  /** Aborted when it may wait no longer. */
  stop: AbortSignal
  onError: (error: unknown) => void
  /** Whether there is another target on which this one's troubles can be told. */
  announces: (target: string) => boolean
  urls: { langfuse: string; public: string | undefined }
  fetch: typeof globalThis.fetch
}

interface Claim {
  rows: DeliveryRow[]
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
    if (state.next_slot_at > time) return { at: state.next_slot_at }
    const probe = isProbing(state, time)
    const waiting = perSecond > 0 && canDigest(target) ? await countDue(trx, name, time, digestFrom + 1) : 0
    const digest = !probe && waiting > digestFrom
    const most = digest ? digestMost : probe || perSecond > 0 ? 1 : free
    const rows = await claimDeliveries(trx, name, most, time, leaseMs)
    if (rows.length === 0) return null
    if (perSecond > 0) await updateTarget(trx, name, { next_slot_at: time + 1000 / perSecond })
    if (probe) await updateTarget(trx, name, { open_until: time + leaseMs })
    return { rows, probe, digest }
  })
}

async function messageFor(deps: DeliverDeps, row: DeliveryRow, target: Target): Promise<Message> {
  const change = await changeById(deps.db, row.change_id)
  if (!change) throw new Error('Its change is gone')
  const { projectId, subject, version, detail } = change
  const told = detail.prompt && projectId !== null
  const content =
    told && version !== null && wantsText(target)
      ? await contentOf(deps.db, { projectId, name: subject }, version)
      : null
  return {
    deliveryId: row.id,
    change,
    fact: JSON.parse(row.fact) as Fact,
    text: content?.text,
    links: {
      page: changeUrl(deps.urls.public, change.id),
      langfuse: told ? promptUrl(deps.urls.langfuse, projectId, subject, version) : firstLink(change),
    },
  }
}

const firstLink = (change: Change): string | null => change.detail.links[0]?.url ?? null

function settlementOf(
  row: DeliveryRow,
  outcome: Outcome,
  deps: DeliverDeps,
  schedule?: number[],
): Settlement {
  const time = deps.now()
  const { failures } = row
  const { reason } = outcome
  if (outcome.outcome === 'delivered') {
    return { status: 'delivered', failures, next_at: null, reason: null, finished_at: time }
  }
  if (outcome.outcome === 'failed') {
    return { status: 'failed', failures: failures + 1, next_at: null, reason, finished_at: time }
  }
  if (outcome.outcome === 'wait') {
    const next_at = waitTry({ retryAfterMs: outcome.retryAfterMs, now: time })
    return { status: 'retrying', failures, next_at, reason, finished_at: null }
  }
  const next = nextTry({
    failures: failures + 1,
    delays: schedule,
    retryAfterMs: outcome.retryAfterMs,
    now: time,
    random: deps.random,
  })
  if ('givenUp' in next) {
    const given = `Given up after ${failures + 1} tries. ${reason}`
    return { status: 'failed', failures: failures + 1, next_at: null, reason: given, finished_at: time }
  }
  return { status: 'retrying', failures: failures + 1, next_at: next.at, reason, finished_at: null }
}

interface Finished {
  row: DeliveryRow
  startedAt: number
  outcome: Outcome
  probe: boolean
}

/** Writes what attempts came to and what follows for their deliveries and the target, all in one transaction. */
async function finishAll(deps: DeliverDeps, name: string, target: Target, finished: Finished[]) {
  const { db, now } = deps
  return db.transaction().execute(async (trx) => {
    const before = await lockTarget(trx, name)
    let circuit: Circuit = before
    let givenUp = false
    for (const { row, startedAt, outcome, probe } of finished) {
      circuit = afterAttempt(circuit, outcome, now(), probe)
      const attempt = {
        delivery_id: row.id,
        number: row.attempt,
        started_at: startedAt,
        duration_ms: Math.max(0, Math.round(now() - startedAt)),
        outcome: outcome.outcome,
        status_code: outcome.statusCode,
        reason: outcome.reason,
        request: outcome.request,
        response: outcome.response,
      }
      const after = settlementOf(row, outcome, deps, target.retryDelays)
      const taken = await settleAttempt(trx, attempt, after)
      givenUp ||= taken && after.status === 'failed'
    }
    if (givenUp && deps.announces(name)) await noteGivenUp(trx, name, before.announced_at, now())
    if (circuit !== before) await updateTarget(trx, name, circuit)
    return finished.map(() => undefined)
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

/** Sends one claim and gives an outcome for each of its deliveries. A bug in a message is stored on its delivery. */
async function sendClaim(deps: DeliverDeps, target: Target, { rows, digest }: Claim): Promise<Outcome[]> {
  const context = (): SendContext => ({
    fetch: deps.fetch,
    now: deps.now,
    signal: AbortSignal.any([deps.stop, AbortSignal.timeout(sendTimeoutMs)]),
  })
  try {
    const messages = await Promise.all(rows.map((row) => messageFor(deps, row, target)))
    const [only] = messages
    const outcome =
      only && !digest ? await send(target, only, context()) : await sendDigest(target, messages, context())
    return rows.map(() => outcome)
  } catch (error) {
    return rows.map(() => bug(error))
  }
}

/** Delivers to one target. `run` starts what may go now and says when to look again; null: when woken. */
export function createDelivery(name: string, target: Target, deps: DeliverDeps, wake: () => void) {
  const finish = sharedCommit((finished: Finished[]) => finishAll(deps, name, target, finished))
  const underWay = new Map<Promise<void>, DeliveryRow[]>()

  async function carry(claimed: Claim): Promise<void> {
    const startedAt = deps.now()
    const outcomes = await sendClaim(deps, target, claimed)
    if (deps.stop.aborted) return releaseDeliveries(deps.db, claimed.rows, deps.now())
    await Promise.all(
      claimed.rows.map((row, i) =>
        record({ row, startedAt, outcome: outcomes[i] ?? bug('no outcome'), probe: claimed.probe }),
      ),
    )
  }

  /** What was sent but cannot be recorded would be sent again, so it tries until the lease is about to end. */
  async function record(finished: Finished): Promise<void> {
    for (;;) {
      try {
        return await finish(finished)
      } catch (error) {
        deps.onError(error)
        const late = deps.now() > finished.startedAt + leaseMs - 2 * recordAgainMs
        if (late || deps.stop.aborted) return
        await new Promise((resolve) => setTimeout(resolve, recordAgainMs))
      }
    }
  }

  async function run(): Promise<number | null> {
    while (underWay.size < mostAtOnce && !deps.stopping()) {
      const claimed = await claim(deps, name, target, mostAtOnce - underWay.size)
      if (claimed === null) return nextDelivery(deps.db, name)
      if ('at' in claimed) return claimed.at
      const parts = claimed.digest ? [claimed] : claimed.rows.map((row) => ({ ...claimed, rows: [row] }))
      for (const part of parts) start(part)
    }
    return null
  }

  function start(part: Claim): void {
    const sending = carry(part)
      .catch(deps.onError)
      .finally(() => {
        underWay.delete(sending)
        if (underWay.size <= mostAtOnce / 2) wake()
      })
    underWay.set(sending, part.rows)
  }

  /** Resolves when nothing is under way. */
  const idle = async (): Promise<void> => {
    while (underWay.size > 0) await Promise.all(underWay.keys())
  }

  return { run, idle }
}
