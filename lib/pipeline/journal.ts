import { log, thrown } from '../base/log.ts'
import { count, observe } from '../base/metrics.ts'
import type { StoreErrorKind } from '../base/store-error.ts'
import type { AttemptOutcome } from '../store/schema.ts'

/** Every log line and metric about events, changes and deliveries. None may contain a secret or a prompt's text. */

interface TakenEvent {
  status: 'accepted' | 'duplicate'
  eventId: string
  type: string
  subject: string
  milliseconds: number
}

export function noteEvent(endpoint: string, event: TakenEvent): void {
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

/** A refusal that is counted, but not recorded. */
export const countRejection = (endpoint: string, reason: string): void =>
  count('prompt_relay_rejections_total', { endpoint, reason })

/** An event could not be stored, and its sender was asked to send it again. */
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

export interface StartedProcess {
  version: string
  store: 'sqlite' | 'postgres'
  mode: string
  /** Names of configured targets, and of all rules. */
  targets: string[]
  rules: string[]
  alertTargets: readonly string[]
  /** Of a section `projects`. */
  projects?: string[]
}

export const noteStart = (started: StartedProcess): void => log('info', 'started', { ...started })

export const noteStop = (signal: string, milliseconds: number): void =>
  log('info', 'stopped', { signal, milliseconds })

export interface SettledChange {
  changeId: string
  kind: string
  events: number
  /** Targets that will receive it, and how many were skipped. */
  queued: string[]
  skipped: number
}

export function noteSettled(settled: SettledChange, milliseconds: number): void {
  log('info', 'settled', { ...settled, milliseconds })
  count('prompt_relay_settled_total', { kind: settled.kind })
}

/** A delivery that is not sent, because it would undo a later one. */
export function noteSkipped(skipped: {
  target: string
  deliveryId: string
  changeId: string
  reason: string
}): void {
  log('info', 'skipped', skipped)
}

/** A change failed to settle, `failures` times in a row; `isLast`: there is no further try. */
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
  /** The delivery was given up: there is no further try. */
  givenUp: boolean
}

/** An error if there is no further try, else a warning. `delayMs`: since the delivery was created. */
export function noteAttempt(attempted: Attempted, delayMs: number): void {
  const { target, outcome, milliseconds } = attempted
  const isWell = outcome === 'delivered' || outcome === 'dry-run'
  log(isWell ? 'info' : attempted.givenUp ? 'error' : 'warn', 'attempt', { ...attempted })
  count('prompt_relay_attempts_total', { target, outcome })
  observe('prompt_relay_attempt_duration_seconds', { target }, milliseconds)
  if (outcome === 'delivered') observe('prompt_relay_delivery_delay_seconds', { target }, delayMs)
}
