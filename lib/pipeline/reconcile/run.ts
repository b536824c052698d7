import type { Env } from '../../base/env.ts'
import { doubt } from '../../core/reconcile/doubt.ts'
import type { LookState } from '../../core/reconcile/state.ts'
import type { ProjectDirectory } from '../../core/rules/project-directory.ts'
import type { LangfuseApi, LangfuseFailure } from '../../langfuse/api/request.ts'
import type { Db } from '../../store/client.ts'
import { revisionsOf } from '../../store/tables/listed-versions.ts'
import { keepLease, type Lease, type Look, readLook, saveLook } from '../../store/tables/looks.ts'
import { beginDoubts } from '../../store/tables/prompt-looks.ts'
import type { LangfuseAccess } from '../langfuse-access.ts'

export interface LookDeps extends Pick<LangfuseAccess, 'project' | 'api'> {
  db: Db
  /** Absent: there is no other project. */
  directory?: ProjectDirectory | undefined
  now: () => number
  /** True: begin no further step. */
  stopping: () => boolean
  /** No step begins later, epoch milliseconds. */
  until: number
  /** The pause between two looks, milliseconds. */
  everyMs: number
  /** For how long the events of one edit are gathered, milliseconds. */
  settleMs: number
  /** What a webhook may take beyond that, milliseconds; absent: two minutes. */
  slowestMs?: number
  /** An event was stored: settle it soon. */
  onStored: () => void
}

/** What a webhook may take beyond the time in which the events of an edit are gathered. */
export const slowestWebhookMs: number = 2 * 60_000

export const lookTimesOf = (
  env: Pick<Env, 'RECONCILE_SECONDS' | 'RECONCILE_GRACE_SECONDS' | 'SETTLE_MS'>,
): Pick<LookDeps, 'everyMs' | 'settleMs' | 'slowestMs'> => ({
  everyMs: env.RECONCILE_SECONDS * 1000,
  settleMs: env.SETTLE_MS,
  slowestMs: env.RECONCILE_GRACE_SECONDS * 1000,
})

/** How long a difference may still be explained by a webhook, milliseconds. */
export const graceOf = ({
  settleMs,
  slowestMs = slowestWebhookMs,
}: Pick<LookDeps, 'settleMs' | 'slowestMs'>): number => settleMs + slowestMs

/** If an instance dies, another goes on after this long. */
export const leaseMs = 90_000
/** The lease is extended while requests are sent. */
const renewMs = 20_000

/** One project under this instance's lease. */
export interface Run {
  deps: LookDeps
  lease: Lease
  /** Extends the lease while requests are sent, and counts them. */
  api: LangfuseApi
  look: Look
  /** Requests since the last commit. */
  requests: () => number
  /**
   * Writes the result of a step and extends the lease, in one transaction. False: nothing was written, because another
   * instance has taken over, or because `write` says so (`discard`).
   */
  commit: (write: (trx: Db) => Promise<LookState | typeof discard | null>) => Promise<boolean>
  /** Another instance has taken over. */
  isLost: () => boolean
}

/** Thrown out of a transaction, so that it is undone. */
export const discard: unique symbol = Symbol('nothing of this step may be stored')
const lost: unique symbol = Symbol('another instance has taken over')

export async function startRun(deps: LookDeps, lease: Lease, projectId: string): Promise<Run> {
  const { db, now } = deps
  const key = { baseUrl: deps.project.baseUrl, projectId }
  let renewedAt = now()
  let count = 0
  let hasLost = false
  const renew = async (handle: Db): Promise<boolean> => {
    renewedAt = now()
    hasLost ||= !(await keepLease(handle, lease, renewedAt + leaseMs))
    return !hasLost
  }
  const fetch: LangfuseApi['fetch'] = async (...request) => {
    count++
    if (now() - renewedAt > renewMs) await renew(db)
    return deps.api.fetch(...request)
  }
  const run: Run = {
    deps,
    lease,
    api: { ...deps.api, fetch },
    look: await readLook(db, key),
    requests: () => count,
    isLost: () => hasLost,
    commit: async (write) => {
      try {
        const state = await db.transaction().execute(async (trx) => {
          if (!(await renew(trx))) throw lost
          const after = await write(trx)
          if (after === discard) throw discard
          if (after) await saveLook(trx, key, after)
          return after
        })
        count = 0
        if (state) run.look = { ...run.look, state }
        return true
      } catch (error) {
        if (error === lost || error === discard) return false
        throw error
      }
    },
  }
  return run
}

/** What ended a run early. */
export interface Pause {
  message: string
  /** Langfuse asked for that, milliseconds. */
  retryAfterMs: number | null
}

export const pauseOf = ({ message, retryAfterMs }: LangfuseFailure): Pause => ({ message, retryAfterMs })

/** Prompts that differ from what is known, as a listing shows. */
export interface Suspect {
  name: string
  lastUpdatedAt: number | null
  /** Known versions that a whole listing is without. */
  missing: readonly number[]
}

/** Puts prompts in doubt, to be settled once their webhooks have had time to arrive. */
export async function suspect(
  trx: Db,
  { deps, look: { projectId, state } }: Pick<Run, 'deps' | 'look'>,
  suspects: readonly Suspect[],
): Promise<void> {
  const now = deps.now()
  const revisions = await revisionsOf(
    trx,
    projectId,
    suspects.map(({ name }) => name),
  )
  const found = suspects.map(({ name, lastUpdatedAt, missing }) => {
    const items = missing.map((version) => ({ version, key: 'gone', since: now }))
    // A delta look shows no deletion, so the time of the last full one counts.
    const knownAt = missing.length > 0 ? state.fullAt : state.checkedAt
    const isSilent = state.baselineAt === null
    const revision = revisions.get(name) ?? ''
    return { name, found: doubt.parse({ since: now, revision, lastUpdatedAt, items, knownAt, isSilent }) }
  })
  await beginDoubts(trx, projectId, found, now + graceOf(deps))
}
