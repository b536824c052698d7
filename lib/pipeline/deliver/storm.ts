import { isAhead } from '../../core/delivery/rate-limit.ts'
import { gatherMs, spread, stormFrom, turns } from '../../core/delivery/storm.ts'
import type { Rule } from '../../core/rules/rules.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow } from '../../store/schema.ts'
import { changesById } from '../../store/tables/changes.ts'
import {
  type ClaimedDelivery,
  claimDeliveries,
  countDue,
  countGathered,
  countQueuedFor,
  gatheredOfPrompts,
  lastGathered,
} from '../../store/tables/deliveries.ts'
import { returnClaimed, skipClaimed } from '../../store/tables/delivery-orders.ts'
import { stormOf } from '../../targets/target.ts'

/** Deliveries of one message at most: their changes are in memory at once. */
const maxStorm = 500

/** Claimed deliveries, by how they go out. */
export interface Sorted {
  alone: DeliveryRow[]
  /** In one message. */
  together: DeliveryRow[]
  skipped: { row: DeliveryRow; reason: string }[]
}

export interface Claiming {
  /** The target's name, settings and the rules. */
  name: string
  target: Target
  rules: readonly Rule[]
  now: number
  /** How many messages may be sent now. */
  max: number
  leaseMs: number
}

/**
 * What to do with claimed deliveries of which some are of reconciled changes; null: nothing unusual, since there are few of
 * these. Claims the others that are due, and returns those that must wait.
 */
export async function sortStorm(
  trx: Db,
  claimed: ClaimedDelivery[],
  { name, target, rules, now, max, leaseMs }: Claiming,
): Promise<Sorted | null> {
  const gathered = claimed.filter((row) => row.isGathered)
  if (gathered.length === 0) return null
  const storm = stormOf(target)
  if (storm.way === 'each' && target.perSecond === undefined)
    return inTurns(trx, claimed, { name, now, max, leaseMs, pace: storm.perSecond ?? 1 })
  const due = { now, onlyGathered: true }
  const count = gathered.length + (await countDue(trx, name, { ...due, max: stormFrom + 1 }))
  const isStorm = count > stormFrom
  const { way, perSecond: stormPace = 1 } = storm
  if (!isStorm && way !== 'newest') return null
  const more = await claimDeliveries(trx, name, { ...due, max: maxStorm - gathered.length }, leaseMs)
  const others = claimed.filter((row) => !row.isGathered)
  const all = [...gathered, ...more]
  const ownPace = target.perSecond ?? 0
  if (way === 'one-message') {
    // The slot of a paced target is for one message.
    if (ownPace > 0) await returnAt(trx, others, now)
    return { alone: ownPace > 0 ? [] : others, together: all, skipped: [] }
  }
  const { kept, skipped } =
    way === 'newest' ? await newestOf(trx, all, { name, rules, isStorm }) : keptAll(all)
  for (const { row, reason } of skipped) await skipClaimed(trx, row.id, reason, now)
  const pace = ownPace || (isStorm ? stormPace : null)
  const sent = await firstOf(trx, kept, { name, now, pace, max: max - others.length })
  return { alone: [...others, ...sent], together: [], skipped }
}

/**
 * Each goes out by itself. In a storm, which may come in small batches, the first of it at once, and the others in the next
 * seconds. A turn is the same second at every instance, and is given while the target's row is locked.
 */
async function inTurns(
  trx: Db,
  claimed: ClaimedDelivery[],
  { name, now, max, leaseMs, pace }: Pick<Claiming, 'name' | 'now' | 'max' | 'leaseMs'> & { pace: number },
): Promise<Sorted | null> {
  const others = claimed.filter((row) => !row.isGathered)
  const gathered = claimed.filter((row) => row.isGathered)
  const due = { now, onlyGathered: true }
  const dueCount = gathered.length + (await countDue(trx, name, { ...due, max: stormFrom + 1 }))
  const recent = await countGathered(trx, name, { since: now - gatherMs, max: maxStorm })
  if (Math.max(dueCount, recent) <= stormFrom) return null
  const more = await claimDeliveries(trx, name, { ...due, max: maxStorm - gathered.length }, leaseMs)
  const all = [...gathered, ...more]
  // A new one has no reason. The others had their turn, or failed before.
  const fresh = all.filter(({ reason }) => reason === null)
  const inTurn = all.filter(({ reason }) => reason !== null).slice(0, pace)
  const last = await lastTurn(trx, name, now)
  const begun = Math.max(inTurn.length, recent - fresh.length)
  const free = last === null ? Math.max(0, pace - begun) : 0
  const sent = [...inTurn, ...fresh.slice(0, free)].slice(0, Math.max(0, max - others.length))
  const isSent = new Set(sent)
  const waiting = all.filter((row) => !isSent.has(row))
  const times = turns(waiting.length, pace, { last, now })
  for (const [at, rows] of Map.groupBy(waiting, (_, i) => times[i] ?? now)) await returnAt(trx, rows, at)
  return { alone: [...others, ...sent], together: [], skipped: [] }
}

/** When the last of those that wait have their turn; null: none waits. */
async function lastTurn(trx: Db, name: string, now: number): Promise<{ at: number; count: number } | null> {
  const at = await lastGathered(trx, name)
  // A time further ahead was written while a clock was wrong.
  if (at === null || !isAhead(at, now)) return null
  return { at, count: await countQueuedFor(trx, name, at) }
}

const keptAll = (kept: DeliveryRow[]): Pick<Sorted, 'skipped'> & { kept: DeliveryRow[] } => ({
  kept,
  skipped: [],
})

/** Those that may be sent now. At a pace (null: none), the others are due one after the other, behind those that wait already. */
async function firstOf(
  trx: Db,
  kept: DeliveryRow[],
  { name, now, pace, max }: { name: string; now: number; pace: number | null; max: number },
): Promise<DeliveryRow[]> {
  const waitingAt = pace === null ? null : await lastGathered(trx, name)
  // A time further ahead was written while a clock was wrong.
  const last = waitingAt !== null && isAhead(waitingAt, now) ? waitingAt : now
  const first = last > now ? 0 : Math.min(max, Math.ceil(pace ?? max))
  const waiting = kept.slice(first)
  const times = pace === null ? waiting.map(() => now) : spread(waiting.length, pace, last)
  for (const [at, rows] of Map.groupBy(waiting, (_, i) => times[i] ?? now)) await returnAt(trx, rows, at)
  return kept.slice(0, first)
}

const returnAt = async (trx: Db, rows: DeliveryRow[], at: number): Promise<void> => {
  if (rows.length === 0) return
  const reason = 'Waits its turn, as a comparison with Langfuse found many changes'
  await returnClaimed(
    trx,
    rows.map(({ id }) => id),
    at,
    reason,
  )
}

/** A person asked for it, so it is sent whatever is newer. */
const isReplayed = ({ attempt, failures }: DeliveryRow): boolean => attempt > 1 && failures === 0

/**
 * A pipeline needs the newest state of a prompt, not each change on the way there; and many at once only where a rule asks
 * for their kind.
 */
async function newestOf(
  trx: Db,
  rows: DeliveryRow[],
  { name, rules, isStorm }: { name: string; rules: readonly Rule[]; isStorm: boolean },
): Promise<Pick<Sorted, 'skipped'> & { kept: DeliveryRow[] }> {
  const changes = await changesById(trx, [...new Set(rows.map((row) => row.change_id))])
  const naming = new Set(rules.filter(({ on }) => on !== undefined).map((rule) => rule.name))
  const isNamed = ({ rule }: Pick<DeliveryRow, 'rule'>) => !isStorm || naming.has(rule)
  const subjects = [...new Set([...changes.values()].map(({ subject }) => subject))]
  const [from = ''] = rows.map((row) => row.change_id).toSorted()
  const known = await gatheredOfPrompts(trx, name, { names: subjects, from })
  const newest = new Map<string, string>()
  for (const one of known.filter(isNamed)) {
    const key = JSON.stringify([one.project_id, one.subject])
    if (one.change_id > (newest.get(key) ?? '')) newest.set(key, one.change_id)
  }
  const reasonOf = (row: DeliveryRow): string | null => {
    if (isReplayed(row)) return null
    if (!isNamed(row))
      return `Not sent: a comparison with Langfuse found many changes at once, and the rule "${row.rule}" names no kinds in on`
    const { projectId, subject } = changes.get(row.change_id) ?? {}
    const latest = newest.get(JSON.stringify([projectId, subject])) ?? row.change_id
    return latest <= row.change_id
      ? null
      : `Not sent: a comparison with Langfuse found a later change of this prompt, ${latest}, which is`
  }
  const judged = rows.map((row) => ({ row, reason: reasonOf(row) }))
  return {
    kept: judged.filter(({ reason }) => reason === null).map(({ row }) => row),
    skipped: judged.flatMap(({ row, reason }) => (reason === null ? [] : [{ row, reason }])),
  }
}
