import { setTimeout as sleep } from 'node:timers/promises'
import type { Env } from './base/env.ts'
import { log, thrown } from './base/log.ts'
import { pacedErrors } from './base/paced-errors.ts'
import { plainFetch } from './base/process-state.ts'
import { gatherMs } from './core/delivery/storm.ts'
import type { ProjectDirectory } from './core/rules/project-directory.ts'
import type { Routes } from './core/rules/rules.ts'
import { type LangfuseAccess, langfuseAccesses } from './pipeline/langfuse-access.ts'
import { createLoop, type Loop, type LoopDeps } from './pipeline/loop.ts'
import { graceOf, lookTimesOf } from './pipeline/reconcile/run.ts'
import { projectReaders } from './pipeline/settle/project-readers.ts'
import type { Db } from './store/client.ts'
import { lockProcess } from './store/process-lock.ts'
import { endLeases } from './store/tables/deliveries.ts'
import { endLooks } from './store/tables/looks.ts'

/** Each project is polled on its own. */
function pollsOf(
  env: Env,
  accesses: readonly LangfuseAccess[],
  directory: ProjectDirectory,
): LoopDeps['polls'] {
  // Even where nothing is polled, Langfuse is asked once which project the keys belong to, if that must be known.
  const isPolled = ({ project: { id, signsForAny } }: LangfuseAccess) =>
    env.POLL_SECONDS > 0 || (id === null && !signsForAny)
  return accesses.filter(isPolled).map((access) => ({
    ...access,
    directory,
    everyMs: env.POLL_SECONDS * 1000,
    backfillMs: env.BACKFILL_HOURS * 3_600_000,
    coolDownMs: env.BURST_MINUTES * 60_000,
  }))
}

/** Each project is compared on its own. Prompts have no rate limit in Langfuse, so the request budget is left alone. */
const looksOf = (env: Env, accesses: readonly LangfuseAccess[]): LoopDeps['looks'] =>
  env.RECONCILE_SECONDS === 0
    ? []
    : accesses.map(({ project, api }) => ({ project, api, ...lookTimesOf(env) }))

/** Within the time of a function on Vercel, or it would be sent with its next call only, which may be hours later. */
const functionGatherMs = 15_000

/** Where the events of an edit are gathered for a short time only, so is what a comparison finds. */
const gatheredFor = ({ SETTLE_MS }: Env): number =>
  Math.min(process.env.VERCEL ? functionGatherMs : gatherMs, 30 * SETTLE_MS)

/**
 * If no other process uses the SQLite file, sends that a killed process left are repeated at once, not when their lease
 * ends. Returns how to release the file.
 */
async function enterStore(db: Db, url: string): Promise<() => void> {
  if (!url.startsWith('file:')) return () => {}
  try {
    const path = url.slice('file:'.length)
    return await lockProcess(path, async () => {
      await endLeases(db, Date.now())
      await endLooks(db, Date.now())
    })
  } catch (error) {
    // The leases end by themselves.
    log('warn', 'sends that were in progress wait for their lease to end', thrown(error))
    return () => {}
  }
}

interface Configured {
  routes: Routes
  directory: ProjectDirectory
}

/** The loop of this process. */
export async function relayLoop(db: Db, configured: Configured, env: Env): Promise<Loop> {
  const leave = await enterStore(db, env.DATABASE_URL)
  const loop = loopOf(db, configured, env)
  const stop = async () => {
    await loop.stop()
    leave()
  }
  return { ...loop, stop }
}

function loopOf(db: Db, { routes, directory }: Configured, env: Env): Loop {
  const accesses = langfuseAccesses(db, {
    projects: directory.projects,
    perMinute: env.POLL_REQUESTS_PER_MINUTE,
  })
  return createLoop({
    db,
    routes,
    directory,
    now: Date.now,
    random: Math.random,
    sleep,
    ...projectReaders(accesses, { directory, now: Date.now }),
    polls: pollsOf(env, accesses, directory),
    looks: looksOf(env, accesses),
    gatherMs: gatheredFor(env),
    graceMs: graceOf(lookTimesOf(env)),
    fetch: plainFetch,
    watch: {
      apis: accesses.map(({ api }) => api),
      quietMs: env.QUIET_HOURS * 3_600_000,
      compares: env.RECONCILE_SECONDS > 0,
    },
    isDry: env.RELAY_MODE === 'dry-run',
    retentionDays: env.RETENTION_DAYS,
    urls: { langfuse: env.LANGFUSE_BASE_URL, public: env.PUBLIC_URL },
    onError: pacedErrors(
      (error, repeated) => log('error', 'loop', { ...thrown(error), ...(repeated > 0 && { repeated }) }),
      Date.now,
    ),
  })
}
