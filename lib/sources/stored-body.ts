import type { SourceEvent } from '../event.ts'
import { openCallback } from './langfuse-callback.ts'
import { parseBody } from './langfuse-webhook.ts'

/** Where an event came from; the same body means something only at its own door. */
export type EventSource = 'langfuse-webhook' | 'langfuse-callback' | 'langfuse-api'

/** The event of a stored body: the same that its door gave when it came. */
export function readStored({ source, body }: { source: string; body: Uint8Array }): SourceEvent {
  if (source !== ('langfuse-callback' satisfies EventSource)) return parseBody(body)
  const opened = openCallback(body)
  const item = opened.ok ? opened.items[0] : undefined
  const problem = opened.ok ? 'It holds no item' : opened.message
  return item?.event ?? { type: 'unrecognised', projectId: null, problems: [problem] }
}
