'use server'

import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { ownPath } from '#app/login/own-path.ts'
import { access, endSession, knownDevice, requireOrigin, startSession } from '#app/session.ts'
import { log } from '#lib/base/log.ts'
import { loginMemory, tryLogin } from '#lib/endpoints/login.ts'
import { senderAddress } from '#lib/endpoints/sender-address.ts'
import { database } from '#lib/store/client.ts'

const longestPassword = 1000
const memory = loginMemory()

const textOf = (value: FormDataEntryValue | null): string => (typeof value === 'string' ? value : '')

export async function login(form: FormData): Promise<void> {
  await requireOrigin()
  const next = ownPath(textOf(form.get('next')))
  const current = access()
  if (current.state !== 'password') redirect(next)
  const { password } = current
  const address = senderAddress((await headers()).get('x-forwarded-for'))
  const given = textOf(form.get('password')).slice(0, longestPassword)
  const now = Date.now()
  const device = await knownDevice(password)
  const result = await tryLogin(database(), { given, password, address, device, now }, memory)
  if (result === 'right' || result === 'right-unsaved') {
    await startSession(password, { now, isReadOnly: result === 'right-unsaved' })
    redirect(next)
  }
  log('warn', 'login refused', { result, address })
  redirect(`/login?${new URLSearchParams({ problem: result, next })}`)
}

export async function logout(): Promise<void> {
  await requireOrigin()
  redirect((await endSession(Date.now())) ? '/login' : '/login?problem=not-ended')
}
