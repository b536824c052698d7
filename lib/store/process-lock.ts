import { DatabaseSync } from 'node:sqlite'

/** Another process holds the lock alone only while it releases what a dead one left: milliseconds. */
const sharedTimeoutMs = 5000

/**
 * Notes with the operating system that this process works on an SQLite file, until it ends in whatever way, and runs
 * `whenAlone` before where no other process does: then nobody can be at what is marked as under way. It is for a second
 * process on the same file, which must not have its work taken from it. So a process works only with the shared lock,
 * and `whenAlone` runs only under the exclusive one. The locks are those of SQLite itself, on an empty file beside the
 * store: they hold wherever SQLite's own do. Gives how to leave. Throws where the file cannot be made.
 */
export async function lockProcess(path: string, whenAlone: () => Promise<void>): Promise<() => void> {
  const lock = new DatabaseSync(`${path}-process`, { timeout: 0 })
  try {
    if (isExclusive(lock)) {
      try {
        await whenAlone()
      } finally {
        lock.exec('rollback')
      }
    }
    lock.exec(`pragma busy_timeout = ${sharedTimeoutMs}`)
    lock.exec('begin')
    // The transaction takes the lock with its first read, and keeps it.
    lock.prepare('select count(*) from sqlite_schema').get()
  } catch (error) {
    lock.close()
    throw error
  }
  return () => lock.close()
}

/** SQLITE_BUSY */
const busy = 5

function isExclusive(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === busy) return false
    throw error
  }
}
