'use server'

import { revalidatePath } from 'next/cache'
import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { z } from 'zod'
import { wake } from '#app/after-answer.ts'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { senderAddress } from '#lib/endpoints/sender-address.ts'
import { confirmHeld, requestLooks } from '#lib/pipeline/reconcile/request.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'

const page = '/setup'

/** The dashboard has one password, so that the address is all that is known of who pressed. */
const whoPressed = async () => senderAddress((await headers()).get('x-forwarded-for'))

const projectOf = (form: FormData) => {
  const running = actingRelay()
  const name = String(form.get('project'))
  return running?.projects.find((one) => one.name === name && one.keys !== null) ?? null
}

/** `project`: the name of one that is configured, with keys. Before its first comparison, that is what comes next anyway. */
export async function compareNow(form: FormData): Promise<void> {
  await requireWriter(page)
  const project = projectOf(form)
  if (!project) redirect(page)
  const now = Date.now()
  await requestLooks(await database(), [project], { why: 'requested', now })
  log('info', 'comparison requested', { project: project.name, address: await whoPressed() })
  wake(now)
  revalidatePath(page)
  redirect(`${page}#incoming`)
}

const whole = z.coerce.number().int()
const seenFields = z.object({ versions: whole, since: whole, seenAt: whole })

/** `project`, and the deletions that the page showed, as in `SeenDeletions`. */
export async function confirmDeletions(form: FormData): Promise<void> {
  await requireWriter(page)
  const project = projectOf(form)
  const seen = seenFields.safeParse(Object.fromEntries(form))
  if (!project || !seen.success) redirect(page)
  const now = Date.now()
  const isConfirmed = await confirmHeld(await database(), project, { seen: seen.data, now })
  const pressed = { project: project.name, ...seen.data, address: await whoPressed() }
  log(isConfirmed ? 'warn' : 'info', isConfirmed ? 'deletions confirmed' : 'deletions not confirmed', pressed)
  revalidatePath(page)
  if (!isConfirmed)
    redirect(`${page}/deletions?${new URLSearchParams({ project: project.name, notice: 'changed' })}`)
  wake(now)
  redirect(`${page}#incoming`)
}
