import type { Change, Fact } from '../change/change.ts'
import { incidentOf, keepsIncidents } from '../change/incident.ts'
import type { Target } from '../rules/target-settings.ts'
import type { Message } from './delivery.ts'

/** More reconciled changes than this, due for one target at once, are a storm. */
export const stormFrom = 10
/** Reconciled changes that settle in the same minute are due together at its end, so that a storm shows. */
export const gatherMs = 60_000

/** Why a gathered delivery is not due yet. */
export const gatheringReason = 'Waits up to a minute for what else the comparison with Langfuse finds'

/** Many reconciled changes that go out as one message. */
export interface Storm {
  /** At least one. */
  messages: Message[]
  /** The relay's list of reconciled changes; null: its address is not known. */
  list: string | null
}

/** Whether a delivery goes out with others in a storm. What opens or ends an incident at its target stays alone. */
export function isGathered(
  change: Parameters<typeof incidentOf>[0] & { detail: Pick<Change['detail'], 'reconciled'> },
  { fact, to }: { fact: Fact; to: Target | undefined },
): boolean {
  if (change.detail.reconciled === undefined) return false
  return !(keepsIncidents(to) && incidentOf(change, fact) !== null)
}

/** The end of the period that holds this time: by the clock, so the same at every instance. Epoch milliseconds. */
export const gatherEnd = (now: number, periodMs: number): number =>
  periodMs > 0 ? Math.floor(now / periodMs + 1) * periodMs : now

/** When the next `count` deliveries are due, at this pace, if the one before them is due at `from`. Epoch milliseconds. */
export function spread(count: number, perSecond: number, from: number): number[] {
  const atOnce = Math.max(1, Math.floor(perSecond))
  const stepMs = (1000 * atOnce) / perSecond
  return Array.from({ length: count }, (_, i) => Math.round(from + stepMs * (Math.floor(i / atOnce) + 1)))
}

const secondMs = 1000

/**
 * The seconds in which the next `count` deliveries have their turn, `perSecond` in each, behind those that wait already:
 * the last of these, `last.count` of them, have theirs at `last.at`; null: none waits. Epoch milliseconds.
 */
export function turns(
  count: number,
  perSecond: number,
  { last, now }: { last: { at: number; count: number } | null; now: number },
): number[] {
  const { at, count: taken } = last ?? { at: gatherEnd(now, secondMs), count: 0 }
  return Array.from({ length: count }, (_, i) => at + secondMs * Math.floor((taken + i) / perSecond))
}

/** "312 changes, found by comparing with Langfuse; no webhook came". */
export const stormTitle = ({ messages }: Storm): string =>
  `${messages.length.toLocaleString('en')} changes, found by comparing with Langfuse; no webhook came`

/** Those that a message names: the dangerous ones first, then as they came. */
export function shownOf({ messages }: Storm, max: number): { shown: Message[]; left: number } {
  const isDanger = ({ change }: Message) => change.danger
  const sorted = [...messages.filter(isDanger), ...messages.filter((one) => !isDanger(one))]
  return { shown: sorted.slice(0, max), left: Math.max(0, messages.length - max) }
}
