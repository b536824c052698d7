import { newId } from '../base/id.ts'
import { log, thrown } from '../base/log.ts'
import { isSameSecret } from '../base/same-secret.ts'
import type { Db } from '../store/client.ts'
import {
  deviceKey,
  forgetLoginFailure,
  type LoginFailures,
  noteLoginFailure,
} from '../store/tables/logins.ts'
import { addressGroup } from './sender-address.ts'

/** `right-unsaved`: the password is right, but the store accepts no writes. */
export type LoginResult = 'right' | 'right-unsaved' | 'wrong' | 'limited'

export interface LoginAttempt {
  given: string
  password: string
  /** The sender's address, as far as it can be trusted. */
  address: string
  /** The cookie of a browser that has logged in before; null: it has not. */
  device: string | null
  /** Epoch milliseconds. */
  now: number
}

const windowMs = 15 * 60_000
const maxFromOne = 10
const maxInAll = 100

/** A browser that has logged in before has its own limit: otherwise strangers could lock everyone out with wrong passwords. */
const keyOf = ({ address, device }: LoginAttempt): string =>
  device === null ? addressGroup(address) : deviceKey(device)

const isLimited = ({ device }: LoginAttempt, { fromOne, inAll }: LoginFailures): boolean =>
  fromOne > maxFromOne || (device === null && inAll > maxInAll)

/**
 * Checks a password in constant time, with at most 10 failures in 15 minutes for each address (IPv6: /64) or known browser,
 * and 100 for all unknown browsers together. Refused attempts do not count, so that repeating them does not extend the
 * lock. If the store accepts no writes, failures are counted in `memory`.
 */
export async function tryLogin(
  db: Promise<Db>,
  attempt: LoginAttempt,
  memory: LoginMemory,
): Promise<LoginResult> {
  const id = newId('log', attempt.now)
  const row = { id, address: keyOf(attempt), at: attempt.now }
  let failures: LoginFailures
  try {
    failures = await noteLoginFailure(await db, row, attempt.now - windowMs)
  } catch (error) {
    log('error', 'a login could not be counted in the store', thrown(error))
    return memory(attempt)
  }
  const limited = isLimited(attempt, failures)
  const right = !limited && isSameSecret(attempt.given, attempt.password)
  // If this fails, the attempt counts as a failure, for 15 minutes.
  if (limited || right)
    await forgetLoginFailure(await db, id).catch((error) =>
      log('error', 'a login counts as failed', thrown(error)),
    )
  if (limited) return 'limited'
  return right ? 'right' : 'wrong'
}

export type LoginMemory = (attempt: LoginAttempt) => LoginResult

/** Counts failures in this process, for a store that accepts no writes. Bounded, because refused attempts are not kept. */
export function loginMemory(): LoginMemory {
  let failures: { key: string; at: number; isKnown: boolean }[] = []
  return (attempt) => {
    failures = failures.filter(({ at }) => at >= attempt.now - windowMs)
    const key = keyOf(attempt)
    const isKnown = attempt.device !== null
    // The current attempt is included, as it is in the store.
    const fromOne = 1 + failures.filter((one) => one.key === key).length
    const inAll = 1 + failures.filter((one) => !one.isKnown).length
    if (isLimited(attempt, { fromOne, inAll })) return 'limited'
    if (isSameSecret(attempt.given, attempt.password)) return 'right-unsaved'
    failures.push({ key, at: attempt.now, isKnown })
    return 'wrong'
  }
}
