import { randomUUID, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { getIronSession, type IronSession } from 'iron-session'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { currentEnv } from './current-env.ts'
import { database } from './db/client.ts'
import { isEndedSession, noteEndedSession } from './db/sessions.ts'
import type { Problem } from './problem.ts'

interface SessionData {
  id: string
  /** Epoch milliseconds. */
  signedInAt: number
}

/** Whether the page opens with a password, to everyone (development only), or not at all. */
export type Access =
  | { state: 'password'; password: string }
  | { state: 'open' }
  | { state: 'closed' }
  | { state: 'misconfigured'; problems: Problem[] }

const ttlSeconds = 7 * 24 * 3600

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

async function openSession(password: string): Promise<IronSession<SessionData>> {
  const secure = await isHttps()
  return getIronSession<SessionData>(await cookies(), {
    cookieName: secure ? '__Host-relay' : 'relay',
    password: await sessionKey(password),
    ttl: ttlSeconds,
    cookieOptions: { httpOnly: true, secure, sameSite: 'lax', path: '/' },
  })
}

export async function isSignedIn(): Promise<boolean> {
  const door = access()
  if (door.state !== 'password') return door.state === 'open'
  const { id } = await openSession(door.password)
  return id !== undefined && !(await isEndedSession(await database(), id))
}

/** For each page, route and action: sends whoever is not signed in to the login, and from there to `path`. */
export async function requireSession(path: string): Promise<void> {
  if (!(await isSignedIn())) redirect(path === '/' ? '/login' : `/login?next=${encodeURIComponent(path)}`)
}

/**
 * For each action. Next compares `Origin` with the host, but lets a request without one through; every browser
 * sends it with a POST. Throws where it is missing.
 */
export async function requireOrigin(): Promise<void> {
  if (!(await headers()).has('origin')) throw new Error('A write came without an Origin header')
}

export async function startSession(password: string, now: number): Promise<void> {
  const session = await openSession(password)
  session.id = randomUUID()
  session.signedInAt = now
  await session.save()
}

/** Ends the session itself, not only its cookie here: a copied cookie is worth nothing afterwards. */
export async function endSession(now: number): Promise<void> {
  const door = access()
  if (door.state !== 'password') return
  const session = await openSession(door.password)
  const { id, signedInAt } = session
  session.destroy()
  if (id === undefined || signedInAt === undefined) return
  await noteEndedSession(await database(), { id, expiresAt: signedInAt + ttlSeconds * 1000, now })
}
