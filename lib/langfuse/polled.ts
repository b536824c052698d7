import type { SourceEvent } from '../core/change/event.ts'
import type { FlatBody } from '../core/polling/rows.ts'
import { toEvent } from './body.ts'
import { dedupeKeyOf, subjectOf } from './keys.ts'

/** A row of Langfuse's API as an event, as the signed door would have opened it. */
export interface PolledEvent {
  parsed: SourceEvent
  dedupeKey: string
  subject: string
  /** Epoch milliseconds. */
  occurredAt: number
  body: Uint8Array
}

export function openPolled(body: FlatBody): PolledEvent {
  const bytes = Buffer.from(JSON.stringify(body))
  const parsed = toEvent(body)
  return {
    parsed,
    dedupeKey: dedupeKeyOf(parsed, body, bytes),
    subject: subjectOf(parsed, body),
    occurredAt: Date.parse(body.timestamp),
    body: bytes,
  }
}
