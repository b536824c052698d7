import type { Change } from '../core/change/change.ts'
import type { OpenedEvent } from '../langfuse/opened-event.ts'
import type { EventSource } from '../langfuse/stored-event.ts'
import type { EventRow } from '../store/schema.ts'

/** One event as it came, parsed once and ready to be stored: from a webhook, a callback or Langfuse's API. */
export interface Arrival extends OpenedEvent {
  source: EventSource | 'test'
  /** Epoch milliseconds. */
  receivedAt: number
  /** JSON of those worth keeping. */
  headers: string
  /** How it was verified, or let in; empty where the relay read it itself. */
  signature: string
  /** The last characters of the secret or token that it showed. */
  secretHint: string
  /** Exactly as it came. */
  body: Uint8Array
  test: Change['test']
}

export function eventRow(arrival: Arrival, { id, changeId }: { id: string; changeId: string }): EventRow {
  const { event, body } = arrival
  return {
    id,
    source: arrival.source,
    dedupe_key: arrival.dedupeKey,
    twin_key: arrival.twinKey,
    change_id: changeId,
    type: event.type,
    action: 'action' in event ? event.action : null,
    project_id: arrival.projectId,
    subject: arrival.subject,
    version: event.type === 'prompt-version' ? event.version : null,
    occurred_at: arrival.occurredAt,
    received_at: arrival.receivedAt,
    headers: arrival.headers,
    signature: arrival.signature,
    secret_hint: arrival.secretHint,
    size: body.byteLength,
    body,
  }
}
