import type { Span } from '@opentelemetry/api'
import { beginSpan, endSpan } from '../../base/tracing.ts'
import type { Change } from '../../core/change/change.ts'
import type { Outcome } from '../../core/delivery/delivery.ts'
import type { DeliveryRow } from '../../store/schema.ts'

/** The span of one message: under the settling of the first change that it tells, linked to those of the others. */
export function beginAttempt(
  target: string,
  { rows, changes }: { rows: readonly DeliveryRow[]; changes: ReadonlyMap<string, Change> },
  startedAt: number,
): Span {
  const attributes = {
    'prompt_relay.target': target,
    'prompt_relay.deliveries': rows.map(({ id }) => id),
    'prompt_relay.attempt': rows[0]?.attempt ?? 0,
  }
  const from = rows.flatMap((row) => changes.get(row.change_id)?.detail.traceparent ?? [])
  return beginSpan(`send ${target}`, { attributes, from, startedAt, isRequest: true })
}

/** One outcome a delivery; those of one message are alike. */
export function endAttempt(span: Span, outcomes: readonly Outcome[]): void {
  const last = outcomes.at(-1)
  const status = typeof last?.statusCode === 'number' ? { 'http.response.status_code': last.statusCode } : {}
  const outcome = last ? { 'prompt_relay.outcome': last.outcome } : {}
  const isWell = last === undefined || last.outcome === 'delivered' || last.outcome === 'dry-run'
  endSpan(span, { ...outcome, ...status }, isWell ? null : last.reason)
}
