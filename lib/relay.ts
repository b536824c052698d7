import { setTimeout as sleep } from 'node:timers/promises'
import build from '#relay.config.ts'
import { callbackTaker, type TakeCallbacks } from './callback-store.ts'
import { buildRoutes } from './config.ts'
import { currentEnv } from './current-env.ts'
import { type Db, database } from './db/client.ts'
import { insertRejections } from './db/rejections.ts'
import type { RejectionRow } from './db/schema.ts'
import { withRest } from './elsewhere.ts'
import type { Env } from './env.ts'
import { log, thrown } from './log.ts'
import { createLoop, type Loop, type LoopDeps } from './loop.ts'
import { type Arrival, type Received, receiver } from './receive.ts'
import type { Routes } from './rules.ts'
import { sharedCommit } from './shared-commit.ts'
import { readPromptVersion } from './sources/langfuse-api.ts'
import type { LangfuseApi } from './sources/langfuse-request.ts'
import { readTrace } from './sources/langfuse-trace.ts'
import { flushSpans } from './tracing.ts'

interface Opened {
  db: Db
  loop: Loop
  receive: (arrival: Arrival) => Promise<Received>
  takeCallbacks: TakeCallbacks
  reject: (rejection: RejectionRow) => Promise<void>
}

/** The running relay of this process. */
export interface Relay {
  env: Env
  routes: Routes
  /** Stores an event and wakes the loop. Throws when the store is out of reach. */
  receive: (arrival: Arrival) => Promise<Received>
  /** Stores callbacks and wakes the loop. Throws when the store is out of reach. */
  takeCallbacks: TakeCallbacks
  reject: (rejection: RejectionRow) => Promise<void>
  /** Something is due: look now. */
  wake: () => void
  /** Works off what is due before `until` (epoch milliseconds). */
  drain: (until: number) => Promise<void>
  /** Runs the loop until the process ends. Tries again while the store is out of reach. */
  start: () => Promise<void>
  stop: () => Promise<void>
}

const retryStartMs = 2000

/** As it is before Next wraps it for its cache, which costs a tenth of a delivery. */
const { fetch } = globalThis

/** One for the process: Next loads a module once for routes and once for `instrumentation.ts`. */
const shared = globalThis as typeof globalThis & { promptRelay?: Relay }

/** The relay of this process, or what is wrong with its configuration. */
export function relay(): { relay: Relay; problems: [] } | { relay: null; problems: string[] } {
  const { env, problems } = currentEnv()
  if (!env) return { relay: null, problems }
  shared.promptRelay ??= createRelay(env)
  return { relay: shared.promptRelay, problems: [] }
}

/** Langfuse's API, where the keys for it are set. */
export function langfuseApi(env: Env): LangfuseApi | undefined {
  const { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey } = env
  if (publicKey === undefined || secretKey === undefined) return undefined
  return { baseUrl, publicKey, secretKey, fetch }
}

/** Of bursts, milliseconds. */
const coolDown = (env: Env): number => env.BURST_MINUTES * 60_000

function pollingOf(env: Env): LoopDeps['poll'] {
  const api = langfuseApi(env)
  if (!api || env.POLL_SECONDS === 0) return undefined
  return {
    api,
    everyMs: env.POLL_SECONDS * 1000,
    backfillMs: env.BACKFILL_HOURS * 3_600_000,
    perMinute: env.POLL_REQUESTS_PER_MINUTE,
    coolDownMs: coolDown(env),
  }
}

async function open(env: Env, routes: Routes): Promise<Opened> {
  const db = await database()
  const api = langfuseApi(env)
  const loop = createLoop({
    db,
    routes,
    now: Date.now,
    random: Math.random,
    sleep,
    readVersion: api && ((wanted) => readPromptVersion(api, wanted)),
    readTrace: api && withRest((wanted) => readTrace(api, wanted), Date.now),
    poll: pollingOf(env),
    fetch,
    watch: { api, quietMs: env.QUIET_HOURS * 3_600_000 },
    isDry: env.RELAY_MODE === 'dry-run',
    retentionDays: env.RETENTION_DAYS,
    urls: { langfuse: env.LANGFUSE_BASE_URL, public: env.PUBLIC_URL },
    onError: (error) => log('error', 'loop', thrown(error)),
  })
  return {
    db,
    loop,
    receive: receiver(db, {
      settleMs: env.SETTLE_MS,
      now: Date.now,
      bursts: { coolDownMs: coolDown(env), rules: routes.rules },
    }),
    takeCallbacks: callbackTaker(db, Date.now),
    reject: sharedCommit(async (rejections: RejectionRow[]) => {
      await insertRejections(db, rejections)
      return rejections.map(() => undefined)
    }),
  }
}

function createRelay(env: Env): Relay {
  const routes = buildRoutes(build, env)
  let opened: Promise<Opened> | null = null
  let stopped = false
  const opening = (): Promise<Opened> => {
    opened ??= open(env, routes).catch((error) => {
      opened = null
      throw error
    })
    return opened
  }

  async function start(): Promise<void> {
    while (!stopped) {
      try {
        const { loop } = await opening()
        return await loop.start()
      } catch (error) {
        log('error', 'the loop could not start', thrown(error))
        await sleep(retryStartMs)
      }
    }
  }

  async function stop(): Promise<void> {
    stopped = true
    const running = await opened?.catch(() => null)
    await running?.loop.stop()
    await running?.db.destroy()
  }

  const wake = () => {
    opened?.then(({ loop }) => loop.look()).catch(() => undefined)
  }

  return {
    env,
    routes,
    receive: async (arrival) => {
      const { receive, loop } = await opening()
      const received = await receive(arrival)
      loop.wake()
      return received
    },
    takeCallbacks: async (call) => {
      const { takeCallbacks, loop } = await opening()
      const taken = await takeCallbacks(call)
      loop.wake()
      return taken
    },
    reject: async (rejection) => (await opening()).reject(rejection),
    wake,
    drain: async (until) => {
      await (await opening()).loop.drain(until)
      await flushSpans()
    },
    start,
    stop,
  }
}
