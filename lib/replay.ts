import type { Db } from './db/client.ts'
import { requeueDelivery } from './db/deliveries.ts'

/** Sends a delivery again, as it was: its message is made anew from the same change, under the same id. */
export async function replayDelivery(
  db: Db,
  deliveryId: string,
  now: number,
): Promise<{ ok: true } | { ok: false; message: string }> {
  const status = await requeueDelivery(db, deliveryId, now)
  if (status === null) return { ok: false, message: 'There is no such delivery.' }
  if (status === 'sending') return { ok: false, message: 'It is being sent right now.' }
  if (status === 'skipped')
    return { ok: false, message: 'A rule said no to it, so there is nothing to send again.' }
  return { ok: true }
}
