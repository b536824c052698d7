import { randomBytes } from 'node:crypto'
import { log, thrown } from '../base/log.ts'
import { type StoreErrorKind, storeErrorKind, type WriteProblem } from '../base/store-error.ts'
import { type Db, database } from './client.ts'

export interface StoreProbe {
  /** Whether the store takes writes, judged by a write that is at most 30 s old. Null: it does. */
  check: () => Promise<WriteProblem | null>
  /** Something of this size could not be stored. */
  noteFailure: (error: unknown, bytes: number) => void
}

interface ProbeDeps {
  /** Writes this many bytes durably, or throws. */
  write: (bytes: number) => Promise<void>
  now: () => number
  /** The store stopped taking writes, or takes them again (null). */
  onChange: (problem: WriteProblem | null, error: unknown) => void
}

const everyMs = 30_000
/** A small webhook with its rows and indexes. */
const smallest = 16 * 1024
/** An event takes more room than its body: rows, indexes and search words. */
const overhead = 2
/** The largest event takes 5 MB. */
const largest = 16 * 1024 * 1024

/** Errors that last until someone fixes the disk. A store that cannot be reached is noticed at each read. */
const lasting: readonly StoreErrorKind[] = ['disk-full', 'read-only', 'disk-error']

/**
 * Finds out whether the store takes writes. A disk with room for a small write may have none for an event: after an event
 * that failed, only a write of its size shows that there is space again.
 */
export function createStoreProbe({ write, now, onChange }: ProbeDeps): StoreProbe {
  let problem: WriteProblem | null = null
  let bytes = smallest
  let checkedAt: number | null = null
  let checking: Promise<void> | null = null

  function note(next: WriteProblem | null, error: unknown): void {
    const isNew = next?.kind !== problem?.kind
    problem = next
    if (isNew) onChange(next, error)
  }

  async function probe(): Promise<void> {
    try {
      await write(bytes)
      note(null, null)
      bytes = smallest
    } catch (error) {
      note({ kind: storeErrorKind(error), since: problem?.since ?? now() }, error)
    }
    // A store that could not be reached may be back at the next check.
    checkedAt = problem === null || lasting.includes(problem.kind) ? now() : null
    checking = null
  }

  return {
    check: async () => {
      const age = checkedAt === null ? null : now() - checkedAt
      // A clock that was set back must not keep an old answer alive.
      if (age === null || age >= everyMs || age < 0) {
        checking ??= probe()
        await checking
      }
      return problem
    },
    noteFailure: (error, size) => {
      const kind = storeErrorKind(error)
      if (!lasting.includes(kind)) return
      note({ kind, since: problem?.since ?? now() }, error)
      bytes = Math.min(largest, Math.max(bytes, overhead * size))
      checkedAt = now()
    },
  }
}

/**
 * Commits a row of this many bytes, in place of the one written last time. Throws where the store takes no writes. A
 * transaction that is rolled back would not show it: SQLite writes to the disk when it commits. Random bytes, because
 * Postgres compresses others.
 */
export async function tryToWrite(db: Db, now: number, bytes: number): Promise<void> {
  const row = { name: 'probe', at: now, body: randomBytes(bytes) }
  await db
    .insertInto('write_probe')
    .values(row)
    .onConflict((c) => c.column('name').doUpdateSet({ at: row.at, body: row.body }))
    .execute()
}

/** One for the process, although Next loads a module once for routes and once for `instrumentation.ts`. */
const shared = globalThis as typeof globalThis & { promptRelayStoreProbe?: StoreProbe }

function noteWritable(problem: WriteProblem | null, error: unknown): void {
  if (problem === null) log('info', 'the store takes writes again')
  else log('error', 'the store takes no writes', { reason: problem.kind, ...thrown(error) })
}

export function storeProbe(): StoreProbe {
  const write = async (bytes: number) => tryToWrite(await database(), Date.now(), bytes)
  shared.promptRelayStoreProbe ??= createStoreProbe({ write, now: Date.now, onChange: noteWritable })
  return shared.promptRelayStoreProbe
}
