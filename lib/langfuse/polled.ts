import type { FlatBody } from '../core/polling/rows.ts'
import { type OpenedEvent, openEvent } from './keys.ts'

/** A row of Langfuse's API as an event with its body, as if it had been sent to the webhook endpoint. */
export function openPolled(body: FlatBody): OpenedEvent & { body: Uint8Array } {
  const rawBody = Buffer.from(JSON.stringify(body))
  const timestamp = Date.parse(body.timestamp)
  return { ...openEvent(body, { rawBody, timestamp, now: timestamp }), body: rawBody }
}
