'use server'

import { revalidatePath } from 'next/cache'
import { redirect } from 'next/navigation'
import { z } from 'zod'
import { wake } from '#app/after-answer.ts'
import { requireWriter } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { refusedKinds, sendRefused } from '#lib/endpoints/send-refused.ts'
import { sendTest, sendTestMessage } from '#lib/pipeline/setup/send-test.ts'
import { testKinds } from '#lib/pipeline/setup/test-bodies.ts'
import { actingRelay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'

const page = '/setup'

/** Redirects to the page, which shows the outcome. */
function show(changeId: string): never {
  // Without this the browser takes the redirect for a jump within the page it already has.
  revalidatePath(page)
  redirect(`${page}?sent=${changeId}#sent`)
}

/** `kind`: one of `testKinds`. */
export async function sendTestEvent(form: FormData): Promise<void> {
  await requireWriter(page)
  const kind = z.enum(testKinds).safeParse(form.get('kind')).data
  const running = actingRelay()
  if (!kind || !running) redirect(page)
  const now = Date.now()
  const changeId = await sendTest({ db: await database(), receive: running.receive }, kind, now)
  log('info', 'test event', { kind, changeId })
  wake(now)
  show(changeId)
}

/** `kind`: one of `refusedKinds`. Shows the resulting rejection. */
export async function sendRefusedRequest(form: FormData): Promise<void> {
  await requireWriter(page)
  const kind = z.enum(refusedKinds).safeParse(form.get('kind')).data
  const running = actingRelay()
  if (!kind || !running) redirect(page)
  const { env, directory, receive, reject } = running
  const status = await sendRefused({ env, directory, now: Date.now, receive, reject }, kind)
  log('info', 'test request', { kind, status })
  redirect('/rejected')
}

/** `target`: the name of one that is configured. */
export async function sendMessage(form: FormData): Promise<void> {
  await requireWriter(page)
  const target = String(form.get('target'))
  const running = actingRelay()
  if (!running || !Object.hasOwn(running.routes.targets, target)) redirect(page)
  const now = Date.now()
  const changeId = await sendTestMessage(await database(), target, now)
  log('info', 'test message', { target, changeId })
  wake(now)
  show(changeId)
}
