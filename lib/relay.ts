import { setTimeout as sleep } from 'node:timers/promises'
import { within } from './base/deadline.ts'
import type { Env } from './base/env.ts'
import { log, thrown } from './base/log.ts'
import { pacedErrors } from './base/paced-errors.ts'
import type { Problem } from './base/problem.ts'
import { sharedCommit } from './base/shared-commit.ts'
import { isDataError } from './base/store-error.ts'
import { flushSpans } from './base/tracing.ts'
import type { Configuration } from './core/rules/configuration.ts'
import { createDirectory, type ProjectDirectory } from './core/rules/project-directory.ts'
import type { Routes } from './core/rules/rules.ts'
import { currentConfiguration } from './current-configuration.ts'
import { own } from './current-relay.ts'
import { refusalPace } from './endpoints/answers.ts'
import type { Arrival } from './pipeline/arrival.ts'
import { callbackTaker, type TakeCallbacks } from './pipeline/callbacks.ts'
import type { Loop } from './pipeline/loop.ts'
import { idLearner, learnProjectIds } from './pipeline/project-ids.ts'
import { type Received, receiver } from './pipeline/receive.ts'
import { type Db, database } from './store/client.ts'
import type { RejectionRow } from './store/schema.ts'
import { insertRejections } from './store/tables/rejections.ts'

/** The running relay of this process. */
export interface Relay {
  env: Env
  routes: Routes
  /** With any problem, events are stored and nothing else happens: `start`, `wake` and `drain` do nothing. */
  problems: Problem[]
  warnings: Problem[]
  written: Configuration['written']
  projects: Configuration['projects']
  directory: ProjectDirectory
  /** Reads the ids of projects that this process does not know yet. */
  learnIds: () => Promise<void>
  /** Stores an event and wakes the loop. Throws if the store is out of reach. */
  receive: (arrival: Arrival) => Promise<Received>
  /** Stores callbacks and wakes the loop. Throws if the store is out of reach. */
  takeCallbacks: TakeCallbacks
  reject: (rejection: RejectionRow) => Promise<void>
  /** Whether a refused callback is recorded. */
  recordsCallback: (reason: string) => boolean
  /** Something may be due: check now. */
  wake: () => void
  /** Does what is due before `until` (epoch milliseconds). */
  drain: (until: number) => Promise<void>
  /** The same, if prompts are due to be compared with Langfuse. */
  drainIfLookDue: (until: number) => Promise<void>
  /** Runs the loop until the process ends. Tries again while the store is out of reach. */
  start: () => Promise<void>
  stop: () => Promise<void>
}

/** An open store, and what stores requests in it. */
interface Opened extends Intake {
  db: Db
}

type Intake = Pick<Relay, 'receive' | 'takeCallbacks' | 'reject'>

const retryStartMs = 2000
/**
 * Anyone can cause refusals, and with a store that does not answer, each batch waits for the previous one to time out:
 * without a limit they would pile up in memory, 3 KB each.
 */
const maxRejections = 1000
/**
 * Langfuse gives up after 10 s, and with a store that does not answer, a connection and then each of several statements may
 * take longer than that. The sender must be asked to send again before.
 */
const storeMs = 7000
/** Comes before that, for the ids of projects. Without an answer, an event is judged when its change settles. */
const learnMs = 2000

/** The relay of this process, and the problems of its configuration; null without a usable store or secret. */
export function relay(): { relay: Relay | null; problems: Problem[] } {
  const configuration = currentConfiguration()
  const { env, problems } = configuration
  if (!env) return { relay: null, problems }
  own.promptRelay ??= createRelay(env, configuration)
  return { relay: own.promptRelay, problems }
}

/** The relay of this process, unless its configuration has problems. */
export function actingRelay(): Relay | null {
  const { relay: ours, problems } = relay()
  return problems.length === 0 ? ours : null
}

async function open(env: Env, { routes, directory }: Pick<Relay, 'routes' | 'directory'>): Promise<Opened> {
  const db = await database()
  return {
    db,
    receive: receiver(db, {
      settleMs: env.SETTLE_MS,
      now: Date.now,
      bursts: {
        coolDownMs: env.BURST_MINUTES * 60_000,
        rules: routes.rules,
        nameOf: directory.nameOf,
      },
    }),
    takeCallbacks: callbackTaker(db, Date.now),
    reject: sharedCommit({
      isOfData: isDataError,
      maxWaiting: maxRejections,
      commit: async (rejections: RejectionRow[]) => {
        await insertRejections(db, rejections)
        return rejections.map(() => undefined)
      },
    }),
  }
}

/** Loaded separately, so that no answer waits for code that it does not need. */
async function loopOver(
  opened: Promise<Opened>,
  env: Env,
  configured: Pick<Relay, 'routes' | 'directory'>,
): Promise<Loop> {
  const [{ db }, { relayLoop }] = await Promise.all([opened, import('./build-loop.ts')])
  return relayLoop(db, configured, env)
}

interface Lazy<T> {
  /** Makes it at the first call, and again after a failure. */
  get: () => Promise<T>
  /** Null: it has not been requested, or failed. */
  ifMade: () => Promise<T | null>
}

function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let made: Promise<T> | null = null
  const get = (): Promise<T> => {
    made ??= make().catch((error) => {
      made = null
      throw error
    })
    return made
  }
  return { get, ifMade: async () => made?.catch(() => null) ?? null }
}

/** Opens the store at the first request. `onStored`: there is something new to settle. */
function intake(opened: Lazy<Opened>, onStored: () => void): Intake {
  const inTime = <T>(work: (opened: Opened) => Promise<T>): Promise<T> =>
    within(storeMs, 'The store', opened.get().then(work))
  return {
    // An event that was stored too late for its sender is settled too.
    receive: (arrival) =>
      inTime(async ({ receive }) => {
        const received = await receive(arrival)
        onStored()
        return received
      }),
    takeCallbacks: (call) =>
      inTime(async ({ takeCallbacks }) => {
        const taken = await takeCallbacks(call)
        if (taken.ok && taken.stored > 0) onStored()
        return taken
      }),
    reject: (rejection) => inTime(({ reject }) => reject(rejection)),
  }
}

const noteNoStart = pacedErrors(
  (error, repeated) =>
    log('error', 'the loop could not start', { ...thrown(error), ...(repeated > 0 && { repeated }) }),
  Date.now,
)

/** What a relay does by itself: nothing, if it may not act. */
function background(opened: Lazy<Opened>, loop: Lazy<Loop>, mayAct: boolean) {
  let stopped = false

  async function start(): Promise<void> {
    if (!mayAct) return
    while (!stopped) {
      try {
        return await (await loop.get()).start()
      } catch (error) {
        noteNoStart(error)
        await sleep(retryStartMs)
      }
    }
  }

  async function drain(until: number): Promise<void> {
    if (!mayAct) return
    await (await loop.get()).drain(until)
    await flushSpans()
  }

  async function drainIfLookDue(until: number): Promise<void> {
    if (mayAct && (await (await loop.get()).isLookDue())) await drain(until)
  }

  async function stop(): Promise<void> {
    stopped = true
    await (await loop.ifMade())?.stop()
    await (await opened.ifMade())?.db.destroy()
    await flushSpans()
  }

  return { start, drain, drainIfLookDue, stop }
}

function createRelay(env: Env, configuration: Omit<Configuration, 'env'>): Relay {
  const { routes, projects, written, problems, warnings } = configuration
  const directory = createDirectory(projects)
  const mayAct = problems.length === 0
  const opened = lazy(() => open(env, { routes, directory }))
  const loop = lazy(() => loopOver(opened.get(), env, { routes, directory }))
  /** A loop that does not run yet need not be woken: it starts by checking everything. */
  const wakeLoop = async (wake: (loop: Loop) => void) => {
    const made = mayAct ? await loop.ifMade() : null
    if (made) wake(made)
  }
  return {
    ...{ env, routes, projects, directory, problems, warnings, written },
    ...intake(opened, () => wakeLoop((loop) => loop.wake())),
    learnIds: idLearner(
      () =>
        within(
          learnMs,
          'The store',
          opened.get().then(({ db }) => learnProjectIds(db, directory)),
        ),
      Date.now,
    ),
    ...background(opened, loop, mayAct),
    recordsCallback: refusalPace(Date.now),
    wake: () => wakeLoop((loop) => loop.checkAll()),
  }
}
