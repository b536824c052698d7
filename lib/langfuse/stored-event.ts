import type { SourceEvent } from '../core/change/event.ts'
import { parseBody } from './body.ts'
import { openCallback } from './callback.ts'
import { parseReconciled } from './reconciled.ts'

/** Where an event came from. A body has a meaning only at its own endpoint. */
export type EventSource = 'langfuse-webhook' | 'langfuse-callback' | 'langfuse-api' | 'langfuse-reconcile'

/** The `signature` of a callback that anyone may have sent and nothing can confirm. */
export const unconfirmed = 'unconfirmed'

interface Stored {
  source: string
  /** For a callback: why it was accepted. */
  signature: string
  body: Uint8Array
}

/** The event of a stored body: the same as when it arrived. A callback without a token is anonymous. */
export function readStored({ source, signature, body }: Stored): SourceEvent {
  if (source === ('langfuse-reconcile' satisfies EventSource)) return parseReconciled(body)
  if (source !== ('langfuse-callback' satisfies EventSource)) return parseBody(body)
  const opened = openCallback(body)
  const item = opened.ok ? opened.items[0] : undefined
  const problem = opened.ok ? 'It has no item' : opened.message
  if (item && signature === 'token') return item.event
  if (item && signature === unconfirmed) return { ...item.event, isAnonymous: true }
  if (item) return { ...item.event, isAnonymous: true, mustBeConfirmed: true }
  return { type: 'unrecognised', projectId: null, problems: [problem] }
}
