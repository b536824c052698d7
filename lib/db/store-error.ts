/** Why the store did not take something; the values of a metric's label. */
export type StoreErrorKind = 'disk-full' | 'read-only' | 'disk-error' | 'busy' | 'unreachable' | 'other'

/** SQLite's primary result codes: https://sqlite.org/rescode.html */
const sqliteKinds = new Map<number, StoreErrorKind>([
  [5, 'busy'],
  [8, 'read-only'],
  [10, 'disk-error'],
  [13, 'disk-full'],
  [14, 'unreachable'],
])

/** Postgres' SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html), and Node's codes. */
const codeKinds = new Map<string, StoreErrorKind>([
  ['53100', 'disk-full'],
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['25006', 'read-only'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['58030', 'disk-error'],
  ['EIO', 'disk-error'],
  ['55P03', 'busy'],
  ['53300', 'unreachable'],
  ['57P01', 'unreachable'],
  ['57P03', 'unreachable'],
])

const networkCode = /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|EPIPE|08)/
/** Of the driver of Postgres, which gives these no code. */
const connectionWords = /connection terminated|read timeout|timeout exceeded when trying to connect/i

/** What kind of error the store or its driver threw. */
export function storeErrorKind(error: unknown): StoreErrorKind {
  if (!(error instanceof Error)) return 'other'
  const { code, errcode, message } = error as Error & { code?: unknown; errcode?: unknown }
  // Extended codes hold the primary one in their lowest byte.
  if (typeof errcode === 'number') return sqliteKinds.get(errcode & 0xff) ?? 'other'
  const name = typeof code === 'string' ? code : ''
  const known = codeKinds.get(name)
  if (known) return known
  return networkCode.test(name) || connectionWords.test(message) ? 'unreachable' : 'other'
}

/** Half a sentence for operators. */
export const storeErrorWords: Record<StoreErrorKind, string> = {
  'disk-full': 'its disk is full',
  'read-only': 'it is read-only',
  'disk-error': 'its disk reports errors',
  busy: 'another process holds its lock',
  unreachable: 'it cannot be reached',
  other: 'an unexpected error, which the log names',
}
