'use server'

import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { database } from '#lib/db/client.ts'
import { log } from '#lib/log.ts'
import { loginMemory, tryLogin } from '#lib/login.ts'
import { ownPath } from '#lib/own-path.ts'
import { senderAddress } from '#lib/sender-address.ts'
import { access, endSession, knownDevice, requireOrigin, startSession } from '#lib/session.ts'

const longestPassword = 1000
const memory = loginMemory()

const textOf = (value: FormDataEntryValue | null): string => (typeof value === 'string' ? value : '')

export async function login(form: FormData): Promise<void> {
  await requireOrigin()
  const next = ownPath(textOf(form.get('next')))
  const door = access()
  if (door.state !== 'password') redirect(next)
  const { password } = door
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
