import type { ListedDelivery } from '#lib/db/dashboard.ts'
import { ChipWithWhy } from '../_components/badge.tsx'
import { chipWords, type DeliveryContext } from '../_components/delivery-words.ts'

export function DeliveryChip({ delivery, context }: { delivery: ListedDelivery; context: DeliveryContext }) {
  return <ChipWithWhy {...chipWords(delivery, context)} />
}
