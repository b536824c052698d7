'use server'

import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { database } from '#lib/db/client.ts'
import { log } from '#lib/log.ts'
import { tryLogin } from '#lib/login.ts'
import { ownPath } from '#lib/own-path.ts'
import { senderAddress } from '#lib/sender-address.ts'
import { access, endSession, requireOrigin, startSession } from '#lib/session.ts'

const longestPassword = 1000

const textOf = (value: FormDataEntryValue | null): string => (typeof value === 'string' ? value : '')

export async function login(form: FormData): Promise<void> {
  await requireOrigin()
  const next = ownPath(textOf(form.get('next')))
  const door = access()
  if (door.state !== 'password') redirect(next)
  const address = senderAddress((await headers()).get('x-forwarded-for'), Boolean(process.env.VERCEL))
  const given = textOf(form.get('password')).slice(0, longestPassword)
  const now = Date.now()
  const result = await tryLogin(await database(), { given, password: door.password, address, now })
  if (result === 'right') {
    await startSession(door.password, now)
    redirect(next)
  }
  log('warn', 'login refused', { result, address })
  redirect(`/login?${new URLSearchParams({ problem: result, next })}`)
}

export async function logout(): Promise<void> {
  await requireOrigin()
  await endSession(Date.now())
  redirect('/login')
}
