'use server'

import { revalidatePath } from 'next/cache'
import { redirect } from 'next/navigation'
import { z } from 'zod'
import { wake } from '#app/after-answer.ts'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { listFilterParams, parseListFilter } from '#lib/core/list/filter.ts'
import { startReplay } from '#lib/pipeline/replay/bulk-replay.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { cancelReplay } from '#lib/store/tables/replays.ts'

const fields = z.object({
  filter: z.string().max(10_000),
  mode: z.enum(['as-it-was', 'todays-rules']),
  expected: z.coerce.number().int().nonnegative(),
})

/** `filter`: as in the address of the list; `expected`: how many changes the confirmation named. */
export async function start(form: FormData): Promise<void> {
  await requireWriter('/')
  const given = fields.safeParse(Object.fromEntries(form))
  const running = actingRelay()
  if (!given.success || !running) redirect('/')
  const { mode, expected } = given.data
  const { filter } = parseListFilter(new URLSearchParams(given.data.filter))
  const db = await database()
  const now = Date.now()
  const started = await startReplay({ db, routes: running.routes }, { filter, mode, expected }, now)
  if (!started.ok) {
    revalidatePath('/replay')
    const params = listFilterParams(filter)
    params.set('notice', started.why)
    redirect(`/replay?${params}`)
  }
  log('info', 'replay of all matching changes', { replay: started.id, mode, filter: given.data.filter })
  wake(now)
  redirect(`/replay/${started.id}`)
}

/** `replay`: its id. What it has already queued stays queued. */
export async function cancel(form: FormData): Promise<void> {
  await requireWriter('/')
  const id = String(form.get('replay'))
  const isCancelled = await cancelReplay(await database(), id, Date.now())
  log('info', 'replay cancelled', { replay: id, ok: isCancelled })
  const page = `/replay/${encodeURIComponent(id)}`
  revalidatePath(page)
  redirect(page)
}
