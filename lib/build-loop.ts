import { setTimeout as sleep } from 'node:timers/promises'
import type { Env } from './base/env.ts'
import { log, thrown } from './base/log.ts'
import { pacedErrors } from './base/paced-errors.ts'
import { plainFetch } from './base/process-state.ts'
import type { BudgetUse } from './core/polling/request-budget.ts'
import type { Configuration } from './core/rules/configuration.ts'
import { readLabelHolder, readPromptVersion } from './langfuse/api/prompts.ts'
import { readTrace } from './langfuse/api/trace.ts'
import { type LangfuseAccess, langfuseAccesses } from './pipeline/langfuse-access.ts'
import { createLoop, type Loop, type LoopDeps } from './pipeline/loop.ts'
import { createRest, tracesWithRest, withRest } from './pipeline/settle/lookups.ts'
import type { Db } from './store/client.ts'
import { lockProcess } from './store/process-lock.ts'
import { endLeases } from './store/tables/deliveries.ts'

/** Each project is polled on its own. */
function pollsOf(env: Env, accesses: readonly LangfuseAccess[]): LoopDeps['polls'] {
  if (env.POLL_SECONDS === 0) return []
  return accesses.map((access) => ({
    ...access,
    everyMs: env.POLL_SECONDS * 1000,
    backfillMs: env.BACKFILL_HOURS * 3_600_000,
    coolDownMs: env.BURST_MINUTES * 60_000,
  }))
}

/** Strangers have their own pause, so that invented ids, which Langfuse may fail at, do not delay others. */
function traceReader({ api, draw }: LangfuseAccess): NonNullable<LoopDeps['readTrace']> {
  const reader = (use: BudgetUse) =>
    tracesWithRest((request) => readTrace({ ...api, draw: () => draw(use) }, request), createRest(Date.now))
  const [ofLangfuse, ofStrangers] = [reader('callback'), reader('stranger')]
  return (request) => (request.isAnonymous ? ofStrangers(request) : ofLangfuse(request))
}

/**
 * If no other process uses the SQLite file, sends that a killed process left are repeated at once, not when their lease
 * ends. Returns how to release the file.
 */
async function enterStore(db: Db, url: string): Promise<() => void> {
  if (!url.startsWith('file:')) return () => {}
  try {
    const path = url.slice('file:'.length)
    return await lockProcess(path, () => endLeases(db, Date.now()))
  } catch (error) {
    // The leases end by themselves.
    log('warn', 'sends that were in progress wait for their lease to end', thrown(error))
    return () => {}
  }
}

type Configured = Pick<Configuration, 'routes' | 'projects'>

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

function loopOf(db: Db, { routes, projects }: Configured, env: Env): Loop {
  const accesses = langfuseAccesses(db, { projects, perMinute: env.POLL_REQUESTS_PER_MINUTE })
  const [access] = accesses
  const api = access?.api
  const rest = createRest(Date.now)
  return createLoop({
    db,
    routes,
    now: Date.now,
    random: Math.random,
    sleep,
    readVersion: api && withRest((request) => readPromptVersion(api, request), rest),
    readLabel: api && withRest((request) => readLabelHolder(api, request), rest),
    readTrace: access ? traceReader(access) : undefined,
    polls: pollsOf(env, accesses),
    fetch: plainFetch,
    watch: { api, quietMs: env.QUIET_HOURS * 3_600_000 },
    isDry: env.RELAY_MODE === 'dry-run',
    retentionDays: env.RETENTION_DAYS,
    urls: { langfuse: env.LANGFUSE_BASE_URL, public: env.PUBLIC_URL },
    onError: pacedErrors(
      (error, repeated) => log('error', 'loop', { ...thrown(error), ...(repeated > 0 && { repeated }) }),
      Date.now,
    ),
  })
}
