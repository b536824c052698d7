import type { Change } from '../core/change/change.ts'
import type { OpenedEvent } from '../langfuse/opened-event.ts'
import type { EventSource } from '../langfuse/stored-event.ts'
import type { EventRow } from '../store/schema.ts'

/** An event from a webhook, a callback or Langfuse's API, parsed once and ready to be stored. */
export interface Arrival extends OpenedEvent {
  source: EventSource | 'test'
  /** Epoch milliseconds. */
  receivedAt: number
  /** The headers worth keeping, as JSON. */
  headers: string
  /** How it was verified or accepted; empty if the relay read it from the API. */
  signature: string
  /** The last four characters of the secret or token it used; empty: none. */
  secretHint: string
  /** The configured project whose secret signed it, if that project's id is not known yet. */
  signedFor?: string
  /** The exact bytes received. */
  body: Uint8Array
  test: Change['test']
}

/** Stored with how it was signed, in a column that the first version had, since that reads all columns of an event. */
const signatureOf = ({ signature, signedFor }: Arrival): string =>
  signedFor === undefined ? signature : `${signature} for ${signedFor}`

/** The configured project whose secret signed an event, if that project's id was not known when it came; else null. */
export const signedForOf = ({ signature }: Pick<EventRow, 'signature'>): string | null =>
  / for (.+)$/.exec(signature)?.[1] ?? null

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
    signature: signatureOf(arrival),
    secret_hint: arrival.secretHint,
    size: body.byteLength,
    body,
  }
}
