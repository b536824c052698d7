import { randomUUID, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { getIronSession, type IronSession } from 'iron-session'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { currentEnv } from '../lib/base/current-env.ts'
import { log, thrown } from '../lib/base/log.ts'
import type { Problem } from '../lib/base/problem.ts'
import { database } from '../lib/store/client.ts'
import { isEndedSession, noteEndedSession } from '../lib/store/tables/sessions.ts'
import { lookAfterPage } from './after-answer.ts'

interface SessionData {
  id: string
  /** Epoch milliseconds. */
  signedInAt: number
  /** Started while the store accepted no writes: it may read, for `readOnlySeconds`. */
  isReadOnly?: boolean
}

/** Identifies a browser in which someone has logged in before. */
interface DeviceData {
  id: string
}

/** Whether the pages need a password, are open to everyone (development only), or are closed. */
export type Access =
  | { state: 'password'; password: string }
  | { state: 'open' }
  | { state: 'closed' }
  | { state: 'misconfigured'; problems: Problem[] }

const ttlSeconds = 7 * 24 * 3600
/** Short, because such a session cannot be revoked on the server. */
const readOnlySeconds = 15 * 60
const deviceSeconds = 365 * 24 * 3600

export function access(): Access {
  const { env, problems } = currentEnv()
  // An unusable password must not open the pages to everyone.
  if (!env || problems.some(({ name }) => name === 'DASHBOARD_PASSWORD'))
    return { state: 'misconfigured', problems }
  const password = env.DASHBOARD_PASSWORD
  if (password !== undefined) return { state: 'password', password }
  return { state: process.env.NODE_ENV === 'production' ? 'closed' : 'open' }
}

const derive = promisify<string, string, number, Buffer>(scrypt)
const keys = new Map<string, Promise<string>>()

/** Derived from the password, so that changing it ends every session. Once per process: scrypt takes about 50 ms. */
function sessionKey(password: string): Promise<string> {
  const known = keys.get(password)
  if (known) return known
  const key = derive(password, 'prompt-relay session', 32).then((bytes) => bytes.toString('base64url'))
  keys.set(password, key)
  return key
}

/**
 * A `__Host-` cookie cannot be set by a sibling subdomain, but needs https. A forged `X-Forwarded-Proto` affects only
 * the cookie of the client that sends it.
 */
async function isHttps(): Promise<boolean> {
  if (currentEnv().env?.PUBLIC_URL?.startsWith('https:') || process.env.VERCEL) return true
  return (await headers()).get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https'
}

async function openCookie<Data extends object>(
  name: string,
  password: string,
  ttl: number,
): Promise<IronSession<Data>> {
  const secure = await isHttps()
  return getIronSession<Data>(await cookies(), {
    cookieName: secure ? `__Host-${name}` : name,
    password: await sessionKey(password),
    ttl,
    cookieOptions: { httpOnly: true, secure, sameSite: 'lax', path: '/' },
  })
}

const openSession = (password: string, ttl = ttlSeconds) => openCookie<SessionData>('relay', password, ttl)
const openDevice = (password: string) => openCookie<DeviceData>('relay-device', password, deviceSeconds)

/** What the client may do on the pages. */
async function sessionState(now: number): Promise<'none' | 'read-only' | 'full'> {
  const current = access()
  if (current.state !== 'password') return current.state === 'open' ? 'full' : 'none'
  const { id, signedInAt = 0, isReadOnly = false } = await openSession(current.password)
  // The cookie's seal expires by itself. A read-only session is checked again, in case it was sealed for longer.
  if (id === undefined || (isReadOnly && now - signedInAt > readOnlySeconds * 1000)) return 'none'
  if (await isEndedSession(await database(), id)) return 'none'
  return isReadOnly ? 'read-only' : 'full'
}

export const isSignedIn = async (): Promise<boolean> => (await sessionState(Date.now())) !== 'none'

/** Only for a notice on the pages; `requireWriter` enforces it. */
export async function hasReadOnlySession(): Promise<boolean> {
  const current = access()
  return current.state === 'password' && (await openSession(current.password)).isReadOnly === true
}

const loginAddress = (next: string, problem?: string): string => {
  const query = new URLSearchParams({ ...(problem ? { problem } : {}), ...(next === '/' ? {} : { next }) })
  return query.size === 0 ? '/login' : `/login?${query}`
}

/** Every page and route calls this first. Redirects to the login, and from there back to `path`. */
export async function requireSession(path: string): Promise<void> {
  if (!(await isSignedIn())) redirect(loginAddress(path))
  lookAfterPage(Date.now())
}

/**
 * Every server action that writes calls this first: the request must come from our own pages, with a session that may
 * write. Otherwise it redirects to the login, which says why, and from there back to `path`.
 */
export async function requireWriter(path: string): Promise<void> {
  await requireOrigin()
  const state = await sessionState(Date.now())
  if (state === 'none') redirect(loginAddress(path))
  if (state === 'read-only') redirect(loginAddress(path, 'read-only'))
}

/**
 * For every server action. Next compares `Origin` with the host, but accepts a request without one; every browser sends
 * it with a POST. `proxy.ts` has refused both cases before. Throws if it is missing.
 */
export async function requireOrigin(): Promise<void> {
  if (!(await headers()).has('origin')) throw new Error('A write request has no Origin header')
}

/** Also marks the browser as known. */
export async function startSession(
  password: string,
  { now, isReadOnly = false }: { now: number; isReadOnly?: boolean },
): Promise<void> {
  const session = await openSession(password, isReadOnly ? readOnlySeconds : ttlSeconds)
  session.id = randomUUID()
  session.signedInAt = now
  session.isReadOnly = isReadOnly
  await session.save()
  const device = await openDevice(password)
  device.id ??= randomUUID()
  await device.save()
}

/** The id of a browser in which someone has logged in before; null for others. */
export async function knownDevice(password: string): Promise<string | null> {
  return (await openDevice(password)).id ?? null
}

/**
 * Revokes the session, not only this browser's cookie: a copied cookie is worthless afterwards. False if the store could
 * not record that, so that only the cookie is gone.
 */
export async function endSession(now: number): Promise<boolean> {
  const current = access()
  if (current.state !== 'password') return true
  const session = await openSession(current.password)
  const { id, signedInAt } = session
  session.destroy()
  if (id === undefined || signedInAt === undefined) return true
  try {
    await noteEndedSession(await database(), { id, expiresAt: signedInAt + ttlSeconds * 1000, now })
    return true
  } catch (error) {
    log('error', 'a session was not ended in the store', thrown(error))
    return false
  }
}
