import { log, thrown } from '../base/log.ts'
import { count, observe } from '../base/metrics.ts'
import type { StoreErrorKind } from '../base/store-error.ts'
import type { AttemptOutcome } from '../store/schema.ts'

/** What happened, as a line of the log and a number: the one place for both. Nothing here may hold a secret or a text. */

interface Taken {
  status: 'accepted' | 'duplicate'
  eventId: string
  type: string
  subject: string
  milliseconds: number
}

export function noteEvent(endpoint: string, event: Taken): void {
  log('info', 'event', { ...event })
  count('prompt_relay_events_total', { endpoint, status: event.status })
}
export function noteCallback(
  endpoint: string,
  { stored, repeated }: { stored: number; repeated: number },
): void {
  log('info', 'callback', { stored, repeated })
  if (stored > 0) count('prompt_relay_events_total', { endpoint, status: 'accepted' }, stored)
  if (repeated > 0) count('prompt_relay_events_total', { endpoint, status: 'duplicate' }, repeated)
}

export function noteRejection(
  {
    endpoint,
    ...refusal
  }: { endpoint: string; status: number; reason: string; detail: string; size: number },
  rejectionId: string,
): void {
  log('warn', 'rejected', { endpoint, ...refusal, rejectionId })
  countRejection(endpoint, refusal.reason)
}

/** Of one that nothing else is kept of. */
export const countRejection = (endpoint: string, reason: string): void =>
  count('prompt_relay_rejections_total', { endpoint, reason })

/** An event came and could not be stored, so that its sender was asked to send it again. */
export function noteNotStored(
  refused: { endpoint: string; reason: StoreErrorKind; size: number },
  error: unknown,
): void {
  log('error', 'event not stored', { ...refused, ...thrown(error) })
  count('prompt_relay_events_not_stored_total', { endpoint: refused.endpoint, reason: refused.reason })
}

export function noteAnswer(endpoint: string, { status }: Response, milliseconds: number): void {
  observe('prompt_relay_request_duration_seconds', { endpoint, code: String(status) }, milliseconds)
}

export interface Started {
  version: string
  store: 'sqlite' | 'postgres'
  mode: string
  /** Names, of those that are configured; of rules, all. */
  targets: string[]
  rules: string[]
  alertTargets: readonly string[]
}

export const noteStart = (started: Started): void => log('info', 'started', { ...started })

export const noteStop = (signal: string, milliseconds: number): void =>
  log('info', 'stopped', { signal, milliseconds })

export interface Settled {
  changeId: string
  kind: string
  events: number
  /** Targets that are to hear of it, and how many are not. */
  queued: string[]
  skipped: number
}

export function noteSettled(settled: Settled, milliseconds: number): void {
  log('info', 'settled', { ...settled, milliseconds })
  count('prompt_relay_settled_total', { kind: settled.kind })
}

/** What is not sent, because it would undo what arrived after it. */
export function noteSkipped(skipped: {
  target: string
  deliveryId: string
  changeId: string
  reason: string
}): void {
  log('info', 'skipped', skipped)
}

/** A change failed to settle, so often in a row; `isLast`: it is not tried again by itself. */
export function noteUnsettled(
  unsettled: { changeId: string; failures: number; isLast: boolean },
  error: unknown,
): void {
  log('error', 'a change failed to settle', { ...unsettled, ...thrown(error) })
  count('prompt_relay_settle_failures_total', {})
}

export interface Attempted {
  target: string
  deliveryId: string
  changeId: string
  attempt: number
  outcome: AttemptOutcome
  statusCode: number | null
  reason: string | null
  milliseconds: number
  /** The delivery was given up: it is not tried again by itself. */
  givenUp: boolean
}

/**
 * `delayMs`: since the delivery was made. An error where nothing tries again by itself; a try that failed and will be
 * repeated is a warning.
 */
export function noteAttempt(attempted: Attempted, delayMs: number): void {
  const { target, outcome, milliseconds } = attempted
  const isWell = outcome === 'delivered' || outcome === 'dry-run'
  log(isWell ? 'info' : attempted.givenUp ? 'error' : 'warn', 'attempt', { ...attempted })
  count('prompt_relay_attempts_total', { target, outcome })
  observe('prompt_relay_attempt_duration_seconds', { target }, milliseconds)
  if (outcome === 'delivered') observe('prompt_relay_delivery_delay_seconds', { target }, delayMs)
}
