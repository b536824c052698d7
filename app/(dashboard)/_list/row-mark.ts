import { createHash } from 'node:crypto'
import type { ListedDelivery } from '#lib/store/views/listed-changes.ts'
import type { DeliveryContext } from '../_words/delivery-words.ts'

interface MarkedRow {
  change: { status: string; kind: string; eventCount: number }
  deliveries: Pick<ListedDelivery, 'id' | 'target' | 'status' | 'failures' | 'next_at' | 'duration_ms'>[]
}

/** Changes whenever the content of the row does. */
export function rowMark(
  { change, deliveries }: MarkedRow,
  contextOf: (target: string) => DeliveryContext,
): string {
  const state = [change.status, change.kind, change.eventCount]
  const chips = deliveries.map(({ id, target, status, failures, next_at, duration_ms }) => {
    const isWaiting = status === 'queued' || status === 'retrying'
    return [id, status, failures, next_at, duration_ms, isWaiting ? contextOf(target).heldUntil : null]
  })
  return createHash('sha1')
    .update(JSON.stringify([state, chips]))
    .digest('base64url')
    .slice(0, 12)
}
