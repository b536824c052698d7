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

interface SessionData {
  id: string
  /** Epoch milliseconds. */
  signedInAt: number
  /** Begun while the store took no writes: it may look, for `readOnlySeconds`. */
  isReadOnly?: boolean
}

/** Of a browser in which somebody logged in before. */
interface DeviceData {
  id: string
}

/** Whether the page opens with a password, to everyone (development only), or not at all. */
export type Access =
  | { state: 'password'; password: string }
  | { state: 'open' }
  | { state: 'closed' }
  | { state: 'misconfigured'; problems: Problem[] }

const ttlSeconds = 7 * 24 * 3600
/** Short, because such a session cannot be ended on the server. */
const readOnlySeconds = 15 * 60
const deviceSeconds = 365 * 24 * 3600

export function access(): Access {
  const { env, problems } = currentEnv()
  // With a password that cannot be taken, nobody is let in without one.
  if (!env || problems.some(({ name }) => name === 'DASHBOARD_PASSWORD'))
    return { state: 'misconfigured', problems }
  const password = env.DASHBOARD_PASSWORD
  if (password !== undefined) return { state: 'password', password }
  return { state: process.env.NODE_ENV === 'production' ? 'closed' : 'open' }
}

const derive = promisify<string, string, number, Buffer>(scrypt)
const keys = new Map<string, Promise<string>>()

/** Derived from the password, so that a changed one ends every session. Once a process: scrypt takes about 50 ms. */
function sessionKey(password: string): Promise<string> {
  const known = keys.get(password)
  if (known) return known
  const key = derive(password, 'prompt-relay session', 32).then((bytes) => bytes.toString('base64url'))
  keys.set(password, key)
  return key
}

/**
 * A `__Host-` cookie cannot be set by a neighbouring subdomain, but needs https. A wrong `X-Forwarded-Proto`
 * changes only the cookie of who sends it.
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

/** What whoever asks may do on the pages. */
async function sessionState(now: number): Promise<'none' | 'read-only' | 'full'> {
  const door = access()
  if (door.state !== 'password') return door.state === 'open' ? 'full' : 'none'
  const { id, signedInAt = 0, isReadOnly = false } = await openSession(door.password)
  // The seal of the cookie ends by itself; a read-only one is dated again, so that no longer one can be made of it.
  if (id === undefined || (isReadOnly && now - signedInAt > readOnlySeconds * 1000)) return 'none'
  if (await isEndedSession(await database(), id)) return 'none'
  return isReadOnly ? 'read-only' : 'full'
}

export const isSignedIn = async (): Promise<boolean> => (await sessionState(Date.now())) !== 'none'

/** Whether to say so on a page; what a session may do is `requireWriter`'s. */
export async function hasReadOnlySession(): Promise<boolean> {
  const door = access()
  return door.state === 'password' && (await openSession(door.password)).isReadOnly === true
}

const loginAddress = (next: string, problem?: string): string => {
  const query = new URLSearchParams({ ...(problem ? { problem } : {}), ...(next === '/' ? {} : { next }) })
  return query.size === 0 ? '/login' : `/login?${query}`
}

/** For each page and route: sends whoever is not signed in to the login, and from there to `path`. */
export async function requireSession(path: string): Promise<void> {
  if (!(await isSignedIn())) redirect(loginAddress(path))
}

/**
 * For each action that writes: a request of one of our own pages, and a session that may write. Whoever has none is sent
 * to the login, which says why, and from there to `path`.
 */
export async function requireWriter(path: string): Promise<void> {
  await requireOrigin()
  const state = await sessionState(Date.now())
  if (state === 'none') redirect(loginAddress(path))
  if (state === 'read-only') redirect(loginAddress(path, 'read-only'))
}

/**
 * For each action. Next compares `Origin` with the host, but lets a request without one through; every browser
 * sends it with a POST. `proxy.ts` refuses both before. Throws where it is missing.
 */
export async function requireOrigin(): Promise<void> {
  if (!(await headers()).has('origin')) throw new Error('A write came without an Origin header')
}

/** A session, and the mark of a browser that is known from now on. */
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

/** The id of a browser in which somebody logged in before; null for others. */
export async function knownDevice(password: string): Promise<string | null> {
  return (await openDevice(password)).id ?? null
}

/**
 * Ends the session itself, not only its cookie here: a copied cookie is worth nothing afterwards. False where the store
 * did not take that down, and only the cookie is gone.
 */
export async function endSession(now: number): Promise<boolean> {
  const door = access()
  if (door.state !== 'password') return true
  const session = await openSession(door.password)
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
