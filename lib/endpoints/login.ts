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

/** `right-unsaved`: the password is right, and the store takes no writes. */
export type LoginResult = 'right' | 'right-unsaved' | 'wrong' | 'limited'

export interface LoginAttempt {
  given: string
  password: string
  /** Of whom it is believed to come from. */
  address: string
  /** Of a browser that logged in before; null for others. */
  device: string | null
  /** Epoch milliseconds. */
  now: number
}

const windowMs = 15 * 60_000
const maxFromOne = 10
const maxInAll = 100

/**
 * A browser that logged in before has a limit of its own, within which no stranger's failures count: otherwise whoever
 * can reach the page keeps everybody from it.
 */
const keyOf = ({ address, device }: LoginAttempt): string =>
  device === null ? addressGroup(address) : deviceKey(device)

const isLimited = ({ device }: LoginAttempt, { fromOne, inAll }: LoginFailures): boolean =>
  fromOne > maxFromOne || (device === null && inAll > maxInAll)

/**
 * Checks a password in constant time, within 10 failures in 15 minutes for each address (IPv6: /64) or known browser,
 * and 100 of all that are not known. A refused try is not counted, so that trying on does not lock the page for ever.
 * Where the store takes no writes, the failures are counted in `memory`.
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
  // What cannot be taken back counts as a failure, which ends after 15 minutes.
  if (limited || right)
    await forgetLoginFailure(await db, id).catch((error) =>
      log('error', 'a login counts as failed', thrown(error)),
    )
  if (limited) return 'limited'
  return right ? 'right' : 'wrong'
}

export type LoginMemory = (attempt: LoginAttempt) => LoginResult

/** Counts failures within this process, for a store that takes no writes. Bounded, because what is refused is not kept. */
export function loginMemory(): LoginMemory {
  let failures: { key: string; at: number; isKnown: boolean }[] = []
  return (attempt) => {
    failures = failures.filter(({ at }) => at >= attempt.now - windowMs)
    const key = keyOf(attempt)
    const isKnown = attempt.device !== null
    // The one at hand is counted with them, as it is in the store.
    const fromOne = 1 + failures.filter((one) => one.key === key).length
    const inAll = 1 + failures.filter((one) => !one.isKnown).length
    if (isLimited(attempt, { fromOne, inAll })) return 'limited'
    if (isSameSecret(attempt.given, attempt.password)) return 'right-unsaved'
    failures.push({ key, at: attempt.now, isKnown })
    return 'wrong'
  }
}
