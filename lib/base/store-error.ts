/** Why the store refused something; the values of a metric's label. */
export type StoreErrorKind = 'disk-full' | 'read-only' | 'disk-error' | 'busy' | 'unreachable' | 'other'

/** Why the store accepts no writes. `since`: when that was noticed, epoch milliseconds. */
export interface WriteProblem {
  kind: StoreErrorKind
  since: number
}

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
  ['42501', 'read-only'],
  ['EROFS', 'read-only'],
  ['EACCES', 'read-only'],
  ['58030', 'disk-error'],
  ['EIO', 'disk-error'],
  ['ENOENT', 'unreachable'],
  ['ENOTDIR', 'unreachable'],
  ['EEXIST', 'unreachable'],
  ['55P03', 'busy'],
  ['53300', 'unreachable'],
  ['57P01', 'unreachable'],
  ['57P03', 'unreachable'],
])

const networkCode = /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|EPIPE|08)/
/** Messages of the Postgres driver, which gives these errors no code. */
const connectionWords =
  /connection terminated|read timeout|timeout exceeded when trying to connect|client was closed|connection error and is not queryable/i

export function storeErrorKind(error: unknown): StoreErrorKind {
  if (!(error instanceof Error)) return 'other'
  const { code, errcode, message } = error as Error & { code?: unknown; errcode?: unknown }
  // An extended code contains the primary one in its lowest byte.
  if (typeof errcode === 'number') return sqliteKinds.get(errcode & 0xff) ?? 'other'
  const name = typeof code === 'string' ? code : ''
  const known = codeKinds.get(name)
  if (known) return known
  return networkCode.test(name) || connectionWords.test(message) ? 'unreachable' : 'other'
}

/** Classes of SQLSTATE for errors in a statement or its values, and 54: beyond a limit of the server. */
const dataClasses = new Set(['0A', '21', '22', '23', '42', '54'])
/** SQLite's ERROR (such as too many parameters), TOOBIG, CONSTRAINT, MISMATCH and RANGE. */
const sqliteDataCodes = new Set([1, 18, 19, 20, 25])

/**
 * Whether the data to be stored may have caused an error. Otherwise the store, or the connection to it, has failed, and
 * accepts nothing else either.
 */
export function isDataError(error: unknown): boolean {
  // Thrown before anything is sent: by a parser, or for a value that no column accepts.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true
  if (!(error instanceof Error)) return false
  const { code, errcode } = error as Error & { code?: unknown; errcode?: unknown }
  if (typeof errcode === 'number') return sqliteDataCodes.has(errcode & 0xff)
  return typeof code === 'string' && code.length === 5 && dataClasses.has(code.slice(0, 2))
}

/** Half a sentence for operators. */
export const storeErrorWords: Record<StoreErrorKind, string> = {
  'disk-full': 'its disk is full',
  'read-only': 'it is read-only',
  'disk-error': 'its disk reports errors',
  busy: 'another process holds its lock',
  unreachable: 'it cannot be reached',
  other: 'an unexpected error; see the log',
}

/**
 * Whether the store or the connection to it has failed, rather than the work that was being done: an error from its driver
 * that does not concern the data. What our own code throws does not count.
 */
export function isStoreFailure(error: unknown): boolean {
  if (storeErrorKind(error) !== 'other') return true
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown }
  const isOfDriver = typeof errcode === 'number' || (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code))
  return isOfDriver && !isDataError(error)
}

/** Whether a single statement took too long: the statement may be the cause, or the store no longer answers. */
export function isStatementTimeout(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return code === '57014' || /read timeout/i.test(String(message))
}
