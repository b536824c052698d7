import { retryDelaysSeconds } from '#lib/base/retry.ts'
import { relay } from '#lib/relay.ts'
import type { Db } from '#lib/store/client.ts'
import { openCircuits } from '#lib/store/tables/targets.ts'
import { replayNoteOf } from '#lib/targets/target.ts'
import type { DeliveryContext } from './delivery-words.ts'

/** What is needed to describe the deliveries to each target. */
export async function deliveryContexts(db: Db, now: number): Promise<(target: string) => DeliveryContext> {
  const circuits = await openCircuits(db, now)
  const targets = relay().relay?.routes.targets ?? {}
  return (target) => {
    const own = Object.hasOwn(targets, target) ? targets[target] : undefined
    const heldUntil = circuits.get(target)?.open_until ?? null
    const tries = (own?.retryDelays ?? retryDelaysSeconds).length
    return { now, heldUntil, tries, replayNote: own ? replayNoteOf(own) : null }
  }
}
