import type { Db } from '../../store/client.ts'
import { readLease, readLook } from '../../store/tables/looks.ts'
import { runLook } from './look.ts'
import { requestLooks } from './request.ts'
import type { LookDeps } from './run.ts'

const pauseMs = 1000

interface CompareDeps {
  db: Db
  now: () => number
  sleep: (ms: number) => Promise<void>
  /** When to stop waiting, epoch milliseconds. */
  until: number
}

/**
 * Has everything compared at once, and waits until it is or cannot be: by a relay that runs on this store, or else by this
 * process. What differs is settled by the relay, some minutes later.
 */
export async function compareNow(
  deps: CompareDeps,
  looks: readonly Pick<LookDeps, 'project' | 'api' | 'everyMs' | 'settleMs' | 'slowestMs'>[],
): Promise<void> {
  const { db, now, sleep, until } = deps
  const askedAt = now()
  await requestLooks(
    db,
    looks.map(({ project }) => project),
    { why: 'requested', now: askedAt },
  )
  await Promise.all(
    looks.map(async (look) => {
      const run = { ...look, db, now, until, stopping: () => false, onStored: () => {} }
      while (now() < until) {
        await runLook(run)
        if (await isOver(db, look, askedAt)) return
        await sleep(pauseMs)
      }
    }),
  )
}

async function isOver(
  db: Db,
  { project: { name, id, baseUrl } }: Pick<LookDeps, 'project'>,
  askedAt: number,
): Promise<boolean> {
  const lease = await readLease(db, name)
  if (lease?.error && lease.error.at >= askedAt) return true
  const projectId = id ?? lease?.projectId ?? null
  if (projectId === null) return false
  const { fullAt } = (await readLook(db, { baseUrl, projectId })).state
  return fullAt !== null && fullAt >= askedAt
}
