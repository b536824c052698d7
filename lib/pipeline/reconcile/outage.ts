import { processState } from '../../base/process-state.ts'
import type { Outage } from '../../core/reconcile/state.ts'

/**
 * Notes that the webhook endpoint answered with a server error. In memory: it may have been the store that did not answer,
 * and an event that Langfuse gave up sending is found by comparing.
 */
export function noteServerError(status: number, now: number): void {
  if (status < 500) return
  const { promptRelayOutage: known } = processState
  processState.promptRelayOutage = { from: Math.min(known?.from ?? now, now), to: now, status }
}

/** What was noted since the last call; null: nothing. */
export function takeOutage(): Outage | null {
  const { promptRelayOutage: found = null } = processState
  processState.promptRelayOutage = null
  return found
}

/** It could not be stored. */
export function restoreOutage(found: Outage): void {
  const { promptRelayOutage: later } = processState
  processState.promptRelayOutage = later ? { ...later, from: Math.min(found.from, later.from) } : found
}
