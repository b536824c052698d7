import { createHash } from 'node:crypto'
import type { ListedDelivery } from '#lib/store/views/dashboard.ts'
import type { DeliveryContext } from '../_words/delivery-words.ts'

interface Shown {
  change: { status: string; kind: string; eventCount: number }
  deliveries: Pick<ListedDelivery, 'id' | 'target' | 'status' | 'failures' | 'next_at' | 'duration_ms'>[]
}

/** Another one as soon as the row would say something else. */
export function rowMark(
  { change, deliveries }: Shown,
  contextOf: (target: string) => DeliveryContext,
): string {
  const said = [change.status, change.kind, change.eventCount]
  const chips = deliveries.map(({ id, target, status, failures, next_at, duration_ms }) => {
    const isWaiting = status === 'queued' || status === 'retrying'
    return [id, status, failures, next_at, duration_ms, isWaiting ? contextOf(target).heldUntil : null]
  })
  return createHash('sha1')
    .update(JSON.stringify([said, chips]))
    .digest('base64url')
    .slice(0, 12)
}
