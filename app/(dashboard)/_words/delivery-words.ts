import { duration } from '#lib/base/duration.ts'
import { visibleText } from '#lib/base/visible.ts'
import type { Tone } from '#lib/core/change/kinds.ts'
import type { ListedDelivery } from '#lib/store/views/listed-changes.ts'
import type { IconName } from '../../_ui/icons.tsx'
import { relative } from '../../_ui/quantity-words.ts'

/** The state of a delivery, for its chip. */
export interface DeliveryWords {
  icon: IconName
  tone: Tone
  /** Beside the target's name. */
  words: string
  /** Why, in full. */
  why: string | null
}

export interface DeliveryContext {
  now: number
  /** The end of the target's open circuit (epoch milliseconds); null: closed. */
  heldUntil: number | null
  /** The length of the target's retry schedule. */
  tries: number
  /** How the target recognises a repeat; null: it does not. */
  replayNote: string | null
}

type Delivery = Pick<ListedDelivery, 'status' | 'rule' | 'failures' | 'next_at' | 'reason' | 'duration_ms'>

function waiting(delivery: Delivery, { now, heldUntil, tries }: DeliveryContext): DeliveryWords {
  const { failures, reason } = delivery
  const at = Math.max(delivery.next_at ?? now, heldUntil ?? 0)
  const next = at > now + 1000 ? `next ${relative(at, now)}` : 'due now'
  if (heldUntil !== null) {
    const why = 'The target failed several times in a row, so deliveries to it are paused.'
    return { icon: 'pause', tone: 'warn', words: `held, ${next}`, why: [why, reason].join(' ').trim() }
  }
  if (failures > 0)
    return { icon: 'retry', tone: 'warn', words: `${failures}/${tries}, ${next}`, why: reason }
  return {
    icon: 'clock',
    tone: 'quiet',
    words: at > now + 1000 ? `waiting, ${next}` : 'queued',
    why: reason,
  }
}

export function deliveryWords(delivery: Delivery, context: DeliveryContext): DeliveryWords {
  const { status, rule, reason, duration_ms: ms } = delivery
  switch (status) {
    case 'delivered':
      return { icon: 'check', tone: 'good', words: ms === null ? 'delivered' : duration(ms), why: null }
    case 'sending':
      return { icon: 'send', tone: 'accent', words: 'sending', why: null }
    case 'failed':
      return { icon: 'cross', tone: 'bad', words: 'failed', why: reason }
    case 'skipped':
      return { icon: 'skip', tone: 'quiet', words: 'skipped', why: reason ?? rule }
    case 'dry-run':
      return { icon: 'skip', tone: 'quiet', words: 'dry run', why: reason }
    case 'cancelled':
      return { icon: 'skip', tone: 'quiet', words: 'cancelled', why: reason }
    case 'queued':
    case 'retrying':
      return waiting(delivery, context)
  }
}

/** The whole content of the chip. */
export function chipWords(
  delivery: Delivery & Pick<ListedDelivery, 'target'>,
  context: DeliveryContext,
): DeliveryWords & { name: string } {
  const { why, ...words } = deliveryWords(delivery, context)
  return { ...words, name: delivery.target, why: why === null ? null : visibleText(why) }
}
