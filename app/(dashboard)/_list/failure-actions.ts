'use server'

import { revalidatePath } from 'next/cache'
import { redirect } from 'next/navigation'
import { z } from 'zod'
import { wake } from '#app/after-answer.ts'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { deliveryById } from '#lib/store/tables/deliveries.ts'
import { dismissFailure, dismissFailures, replayFailures } from '#lib/store/views/open-failures.ts'

const page = '/'

/** `until`: when the newest failure on the page was given up, epoch milliseconds. */
const fields = z.object({
  target: z.string().min(1).max(500),
  until: z.coerce.number().int().nonnegative(),
})

/** Replays the open failures of one target. None of them was delivered, so there is nothing to confirm. */
export async function replayOpenFailures(form: FormData): Promise<void> {
  await requireWriter(page)
  const given = fields.safeParse(Object.fromEntries(form))
  const running = actingRelay()
  if (!given.success || !running || !Object.hasOwn(running.routes.targets, given.data.target)) redirect(page)
  const now = Date.now()
  const queued = await replayFailures(await database(), given.data, now)
  log('info', 'replay of open failures', { target: given.data.target, queued })
  revalidatePath(page)
  wake(now)
  redirect(page)
}

/** Removes the open failures of one target from the health line. They stay in the list and can be replayed. */
export async function dismissOpenFailures(form: FormData): Promise<void> {
  await requireWriter(page)
  const given = fields.safeParse(Object.fromEntries(form))
  if (!given.success) redirect(page)
  const dismissed = await dismissFailures(await database(), given.data, { now: Date.now(), actor: null })
  log('info', 'open failures dismissed', { target: given.data.target, dismissed })
  revalidatePath(page)
  redirect(page)
}

/** `delivery`: the id of one that failed. */
export async function dismissDelivery(form: FormData): Promise<void> {
  await requireWriter(page)
  const id = String(form.get('delivery'))
  const db = await database()
  const delivery = await deliveryById(db, id)
  if (!delivery) redirect(page)
  const ok = await dismissFailure(db, id, { now: Date.now(), actor: null })
  log('info', 'open failure dismissed', { delivery: id, target: delivery.target, ok })
  const change = `/changes/${delivery.change_id}`
  revalidatePath(change)
  redirect(`${change}#${id}`)
}
