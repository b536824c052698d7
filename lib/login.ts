import { createHash, timingSafeEqual } from 'node:crypto'
import type { Db } from './db/client.ts'
import { forgetLoginFailure, noteLoginFailure } from './db/logins.ts'
import { newId } from './id.ts'

export type LoginResult = 'right' | 'wrong' | 'limited'

const windowMs = 15 * 60_000
const mostFromAddress = 10
const mostInAll = 100

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Checks a password in constant time, within 10 failures in 15 minutes for each address and 100 in all.
 * A refused try is not counted, so that trying on does not lock the door for ever.
 */
export async function tryLogin(
  db: Db,
  attempt: { given: string; password: string; address: string; now: number },
): Promise<LoginResult> {
  const { given, password, address, now } = attempt
  const id = newId('log', now)
  const failures = await noteLoginFailure(db, { id, address, at: now }, now - windowMs)
  const isLimited = failures.fromAddress > mostFromAddress || failures.inAll > mostInAll
  const isRight = !isLimited && timingSafeEqual(digest(given), digest(password))
  if (isLimited || isRight) await forgetLoginFailure(db, id)
  if (isLimited) return 'limited'
  return isRight ? 'right' : 'wrong'
}
