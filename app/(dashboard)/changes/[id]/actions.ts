'use server'

import { revalidatePath } from 'next/cache'
import { redirect } from 'next/navigation'
import { z } from 'zod'
import { wake } from '#app/after-answer.ts'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { reinterpret } from '#lib/pipeline/replay/reinterpret.ts'
import { cancelChange, cancelDelivery, replayChange, replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { deliveryById } from '#lib/store/tables/deliveries.ts'
import { deliveriesOf } from '#lib/store/views/listed-changes.ts'

/** `delivery`: its id. `again`: the user confirmed that it will be posted a second time. */
export async function replayOne(form: FormData): Promise<void> {
  await requireWriter('/')
  const id = String(form.get('delivery'))
  const db = await database()
  const delivery = await deliveryById(db, id)
  if (!delivery) redirect('/')
  const page = `/changes/${delivery.change_id}`
  // Without this the browser takes the redirect for a jump within the page it already has.
  revalidatePath(page)
  if (!actingRelay()) redirect(page)
  // The page may have been loaded before the delivery succeeded: then it never asked for confirmation.
  if (delivery.status === 'delivered' && form.get('again') !== 'yes')
    redirect(`${page}?notice=delivered-meanwhile#${id}`)
  const now = Date.now()
  const result = await replayDelivery(db, id, now)
  log('info', 'replay', { delivery: id, target: delivery.target, ok: result.ok })
  if (!result.ok) redirect(`${page}?notice=${result.isOver ? 'incident-over' : 'not-replayed'}#${id}`)
  wake(now)
  redirect(`${page}#${id}`)
}

const replayFields = z.object({
  change: z.string().max(100),
  mode: z.enum(['as-it-was', 'todays-rules']),
  delivered: z.coerce.number().int().nonnegative(),
})

/** `change`: its id; `delivered`: how many deliveries the confirmation listed as delivered. */
export async function replayAll(form: FormData): Promise<void> {
  await requireWriter('/')
  const given = replayFields.safeParse(Object.fromEntries(form))
  const running = actingRelay()
  if (!given.success || !running) redirect('/')
  const { change, mode, delivered } = given.data
  const page = `/changes/${encodeURIComponent(change)}`
  const db = await database()
  const deliveries = (await deliveriesOf(db, [change])).get(change) ?? []
  revalidatePath(page)
  // The page may have been loaded before a delivery succeeded: then the confirmation listed too few.
  if (deliveries.filter(({ status }) => status === 'delivered').length > delivered)
    redirect(`${page}?notice=delivered-meanwhile#deliveries`)
  const now = Date.now()
  const replayed = await replayChange(
    { db, routes: running.routes, directory: running.directory, now: () => now },
    change,
    mode,
  )
  const queued = replayed?.queued.length ?? 0
  log('info', 'replay of a change', { change, mode, queued })
  if (queued > 0) wake(now)
  if (replayed?.left.some(({ isOver }) => isOver)) redirect(`${page}?notice=incident-over#deliveries`)
  if (queued === 0) redirect(`${page}?notice=nothing-replayed#deliveries`)
  redirect(`${page}#deliveries`)
}

/** `change`: its id; `delivery`: one of its deliveries; without it, all that are waiting. */
export async function cancelWaiting(form: FormData): Promise<void> {
  await requireWriter('/')
  const change = String(form.get('change'))
  const delivery = form.get('delivery')
  const page = `/changes/${encodeURIComponent(change)}`
  const db = await database()
  const now = Date.now()
  const isCancelled =
    typeof delivery === 'string'
      ? (await cancelDelivery(db, delivery, now)).ok
      : (await cancelChange(db, change, now)) > 0
  log('info', 'retries cancelled', { change, delivery, ok: isCancelled })
  revalidatePath(page)
  redirect(isCancelled ? `${page}#deliveries` : `${page}?notice=not-cancelled#deliveries`)
}

/** `change`: the id of one that could not be interpreted. */
export async function interpretAgain(form: FormData): Promise<void> {
  await requireWriter('/')
  const change = String(form.get('change'))
  const page = `/changes/${encodeURIComponent(change)}`
  if (!actingRelay()) redirect(page)
  const now = Date.now()
  const fresh = await reinterpret(await database(), change, now)
  log('info', 'events interpreted again', { change, as: fresh })
  revalidatePath(page)
  if (fresh === null) redirect(`${page}?notice=not-interpreted`)
  wake(now)
  redirect(`/changes/${fresh}`)
}
