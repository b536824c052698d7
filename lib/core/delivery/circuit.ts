import { maxBeyondMs } from '../../base/retry.ts'
import type { Outcome } from './delivery.ts'
import { afterAnswer, afterWait, isAhead, limitedSince, type RateLimit } from './rate-limit.ts'

/** Temporary failures in a row that open the circuit. */
const failuresToOpen = 5
const firstPauseMs = 30_000
const longestPauseMs = 600_000

/** The state of one target, shared by all instances; times in epoch milliseconds. */
export interface Circuit {
  failures: number
  open_until: number | null
  /** How often it opened in a row. */
  opened: number
  next_slot_at: number
  limit: RateLimit | null
}

export const isOpen = ({ open_until }: Circuit, now: number): boolean => isAhead(open_until, now)

/** After its pause an open circuit lets one delivery through as a probe. */
export const isProbing = (circuit: Circuit, now: number): boolean =>
  circuit.open_until !== null && !isOpen(circuit, now)

/** When the pace or limit allows the next message; null: now. */
export function nextSlot({ next_slot_at }: Circuit, now: number, paceMs: number): number | null {
  return isAhead(next_slot_at, now, Math.max(maxBeyondMs, paceMs)) ? next_slot_at : null
}

const pauseAfter = (opened: number): number => Math.min(firstPauseMs * 2 ** opened, longestPauseMs)

/** Openings in a row after which a target has failed for a quarter of an hour: 30, 60, 120, 240 and 480 s. */
const openingsToReport = 6

/** Since when a target fails or asks for time, once that is a quarter of an hour; null: not, or not so long. */
export function failingSince({ opened, open_until, limit }: Circuit, now: number): number | null {
  if (opened < openingsToReport || open_until === null) return limitedSince(limit, now)
  const pauses = Array.from({ length: opened }, (_, i) => pauseAfter(i))
  return open_until - pauses.reduce((sum, pause) => sum + pause, 0)
}

export interface AttemptEnd {
  outcome: Outcome
  now: number
  probe: boolean
  /** Seconds before each try; undefined: the built-in schedule. */
  delays?: readonly number[] | undefined
}

/**
 * The circuit after an attempt. Any answer but a temporary failure closes it: even a permanent failure shows that the target
 * is up. A `wait` moves the target's next slot, since a rate limit holds for all deliveries.
 */
export function afterAttempt(circuit: Circuit, { outcome, now, probe, delays }: AttemptEnd): Circuit {
  const { failures, opened, next_slot_at } = circuit
  if (outcome.outcome === 'wait') {
    const limit = afterWait(circuit.limit, { retryAfterMs: outcome.retryAfterMs, now, delays })
    const slot = Math.max(isAhead(next_slot_at, now) ? next_slot_at : 0, limit.until)
    return { ...circuit, open_until: probe ? slot : circuit.open_until, next_slot_at: slot, limit }
  }
  if (outcome.outcome !== 'retry')
    return { failures: 0, open_until: null, opened: 0, next_slot_at, limit: afterAnswer(circuit.limit, now) }
  if (probe || (circuit.open_until === null && failures + 1 >= failuresToOpen)) {
    const open_until = now + pauseAfter(opened)
    return { ...circuit, failures: failures + 1, open_until, opened: opened + 1 }
  }
  // A message sent before the circuit opened that fails only now says nothing new.
  return { ...circuit, failures: failures + 1 }
}
