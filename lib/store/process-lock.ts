import { DatabaseSync } from 'node:sqlite'

/** Milliseconds. Another process holds the exclusive lock only while it releases the work of a dead one. */
const sharedTimeoutMs = 5000

/**
 * Locks an SQLite file for this process, shared with others, until it ends in whatever way. If no other process holds the
 * lock, runs `whenAlone` first, under an exclusive lock: then whatever is marked as in progress was left by a process that
 * died, and taking it over takes nothing from a second process on the same file. The locks are SQLite's own, on an empty
 * file beside the store, so they hold wherever SQLite works. Returns a function that releases the lock. Throws where the
 * file cannot be created.
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
