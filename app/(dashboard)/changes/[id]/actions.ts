'use server'

import { revalidatePath } from 'next/cache'
import { redirect } from 'next/navigation'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { deliveryById } from '#lib/store/views/dashboard.ts'
import { wake } from '../../wake.ts'

/** `delivery`: its id. `again`: the question was answered that it will be posted twice. */
export async function replay(form: FormData): Promise<void> {
  await requireWriter('/')
  const id = String(form.get('delivery'))
  const db = await database()
  const delivery = await deliveryById(db, id)
  if (!delivery) redirect('/')
  const page = `/changes/${delivery.change_id}`
  // Without this the browser takes the redirect for a jump within the page that it has.
  revalidatePath(page)
  if (!actingRelay()) redirect(page)
  // The page may be older than the delivery: then the question was never asked.
  if (delivery.status === 'delivered' && form.get('again') !== 'yes')
    redirect(`${page}?notice=delivered-meanwhile#${id}`)
  const now = Date.now()
  const result = await replayDelivery(db, id, now)
  log('info', 'replay', { delivery: id, target: delivery.target, ok: result.ok })
  if (!result.ok) redirect(`${page}?notice=${result.isOver ? 'incident-over' : 'not-replayed'}#${id}`)
  wake(now)
  redirect(`${page}#${id}`)
}
