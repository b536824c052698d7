import type { SourceEvent } from '../core/change/event.ts'
import { parseBody } from './body.ts'
import { openCallback } from './callback.ts'

/** Where an event came from; the same body means something only at its own door. */
export type EventSource = 'langfuse-webhook' | 'langfuse-callback' | 'langfuse-api'

/** How a callback of anyone was let in that nothing can confirm. */
export const unconfirmed = 'unconfirmed'

interface Stored {
  source: string
  /** Of a callback, how it was let in. */
  signature: string
  body: Uint8Array
}

/** The event of a stored body: the same that its door gave when it came. A callback is anonymous where it showed no token. */
export function readStored({ source, signature, body }: Stored): SourceEvent {
  if (source !== ('langfuse-callback' satisfies EventSource)) return parseBody(body)
  const opened = openCallback(body)
  const item = opened.ok ? opened.items[0] : undefined
  const problem = opened.ok ? 'It holds no item' : opened.message
  if (item && signature === 'token') return item.event
  if (item && signature === unconfirmed) return { ...item.event, isAnonymous: true }
  if (item) return { ...item.event, isAnonymous: true, mustBeConfirmed: true }
  return { type: 'unrecognised', projectId: null, problems: [problem] }
}
