import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from './db/client.ts'
import { withRest } from './elsewhere.ts'
import type { Env } from './env.ts'
import { log, thrown } from './log.ts'
import { createLoop, type Loop, type LoopDeps } from './loop.ts'
import type { Routes } from './rules.ts'
import { plainFetch } from './running.ts'
import { readPromptVersion } from './sources/langfuse-api.ts'
import type { LangfuseApi } from './sources/langfuse-request.ts'
import { readTrace } from './sources/langfuse-trace.ts'

/** Langfuse's API, where the keys for it are set. */
function langfuseApi(env: Env): LangfuseApi | undefined {
  const { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey } = env
  if (publicKey === undefined || secretKey === undefined) return undefined
  return { baseUrl, publicKey, secretKey, fetch: plainFetch }
}

function pollingOf(env: Env): LoopDeps['poll'] {
  const api = langfuseApi(env)
  if (!api || env.POLL_SECONDS === 0) return undefined
  return {
    api,
    everyMs: env.POLL_SECONDS * 1000,
    backfillMs: env.BACKFILL_HOURS * 3_600_000,
    perMinute: env.POLL_REQUESTS_PER_MINUTE,
    coolDownMs: env.BURST_MINUTES * 60_000,
  }
}

/** The loop of this process. */
export function relayLoop(db: Db, routes: Routes, env: Env): Loop {
  const api = langfuseApi(env)
  return createLoop({
    db,
    routes,
    now: Date.now,
    random: Math.random,
    sleep,
    readVersion: api && ((wanted) => readPromptVersion(api, wanted)),
    readTrace: api && withRest((wanted) => readTrace(api, wanted), Date.now),
    poll: pollingOf(env),
    fetch: plainFetch,
    watch: { api, quietMs: env.QUIET_HOURS * 3_600_000 },
    isDry: env.RELAY_MODE === 'dry-run',
    retentionDays: env.RETENTION_DAYS,
    urls: { langfuse: env.LANGFUSE_BASE_URL, public: env.PUBLIC_URL },
    onError: (error) => log('error', 'loop', thrown(error)),
  })
}
