import type { ListedDelivery } from '#lib/store/views/dashboard.ts'
import { ChipWithWhy } from '../_ui/badge.tsx'
import { chipWords, type DeliveryContext } from './_words/delivery-words.ts'

export function DeliveryChip({ delivery, context }: { delivery: ListedDelivery; context: DeliveryContext }) {
  return <ChipWithWhy {...chipWords(delivery, context)} />
}
