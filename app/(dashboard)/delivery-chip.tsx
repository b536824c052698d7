import type { ListedDelivery } from '#lib/db/dashboard.ts'
import { Chip } from '../_components/badge.tsx'
import { type DeliveryContext, deliveryWords } from '../_components/delivery-words.ts'
import { visibleText } from '../_components/visible.ts'

export function DeliveryChip({ delivery, context }: { delivery: ListedDelivery; context: DeliveryContext }) {
  const { icon, tone, words, why } = deliveryWords(delivery, context)
  return (
    <>
      <Chip
        icon={icon}
        tone={tone}
        name={delivery.target}
        words={words}
        title={why === null ? undefined : visibleText(why)}
      />
      {why === null ? null : <span className="sr-only">{visibleText(why)}</span>}
    </>
  )
}
