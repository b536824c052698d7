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
import type { Routes } from './core/rules/rules.ts'
import { currentConfiguration } from './current-configuration.ts'
import { refusalPace } from './endpoints/refusal-pace.ts'
import { own } from './own-relay.ts'
import type { Arrival } from './pipeline/arrival.ts'
import { callbackTaker, type TakeCallbacks } from './pipeline/callbacks.ts'
import type { Loop } from './pipeline/loop.ts'
import { type Received, receiver } from './pipeline/receive.ts'
import { type Db, database } from './store/client.ts'
import type { RejectionRow } from './store/schema.ts'
import { insertRejections } from './store/tables/rejections.ts'

interface Opened {
  db: Db
  receive: (arrival: Arrival) => Promise<Received>
  takeCallbacks: TakeCallbacks
  reject: (rejection: RejectionRow) => Promise<void>
}

/** The running relay of this process. */
export interface Relay {
  env: Env
  routes: Routes
  /** While there is one, what comes is stored, and nothing else is done: `start`, `wake` and `drain` do nothing. */
  problems: Problem[]
  warnings: Problem[]
  written: Configuration['written']
  /** Stores an event and wakes the loop. Throws when the store is out of reach. */
  receive: (arrival: Arrival) => Promise<Received>
  /** Stores callbacks and wakes the loop. Throws when the store is out of reach. */
  takeCallbacks: TakeCallbacks
  reject: (rejection: RejectionRow) => Promise<void>
  /** Whether a refused callback is recorded. */
  recordsCallback: (reason: string) => boolean
  /** Something is due: look now. */
  wake: () => void
  /** Works off what is due before `until` (epoch milliseconds). */
  drain: (until: number) => Promise<void>
  /** Runs the loop until the process ends. Tries again while the store is out of reach. */
  start: () => Promise<void>
  stop: () => Promise<void>
}

const retryStartMs = 2000
/**
 * Anyone can cause refusals, and of a store that fell silent each batch waits for the time-out of the one before: without
 * a limit they would pile up in memory, 3 KB each.
 */
const maxRejections = 1000
/**
 * Langfuse gives up after 10 s. A store that does not answer lets each of several statements wait, and a connection
 * before them; whoever sent an event is told by then to send it again.
 */
const storeMs = 7000

/** The relay of this process, and what is wrong with its configuration; no relay where not even the store is known. */
export function relay(): { relay: Relay | null; problems: Problem[] } {
  const configuration = currentConfiguration()
  const { env, problems } = configuration
  if (!env) return { relay: null, problems }
  own.promptRelay ??= createRelay(env, configuration)
  return { relay: own.promptRelay, problems }
}

/** The relay of this process, where it may act. */
export function actingRelay(): Relay | null {
  const { relay: ours, problems } = relay()
  return problems.length === 0 ? ours : null
}

async function open(env: Env, routes: Routes): Promise<Opened> {
  const db = await database()
  return {
    db,
    receive: receiver(db, {
      settleMs: env.SETTLE_MS,
      now: Date.now,
      bursts: { coolDownMs: env.BURST_MINUTES * 60_000, rules: routes.rules },
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

/** Loaded apart, so that no sender waits for code that its answer does not need. */
async function workOver(opening: Promise<Opened>, env: Env, routes: Routes): Promise<Loop> {
  const [{ db }, { relayLoop }] = await Promise.all([opening, import('./build-loop.ts')])
  return relayLoop(db, routes, env)
}

function createRelay(env: Env, { routes, written, problems, warnings }: Omit<Configuration, 'env'>): Relay {
  const mayAct = problems.length === 0
  let opened: Promise<Opened> | null = null
  let stopped = false
  const opening = (): Promise<Opened> => {
    opened ??= open(env, routes).catch((error) => {
      opened = null
      throw error
    })
    return opened
  }
  let loop: Promise<Loop> | null = null
  const working = (): Promise<Loop> => {
    loop ??= workOver(opening(), env, routes).catch((error) => {
      loop = null
      throw error
    })
    return loop
  }
  /** Before the loop runs, there is none to be woken: it begins with a look at everything. */
  const tell = (wake: (loop: Loop) => void) => {
    if (mayAct) loop?.then(wake).catch(() => undefined)
  }

  const inTime = <T>(work: (opened: Opened) => Promise<T>): Promise<T> =>
    within(storeMs, 'The store', opening().then(work))
  /** What is stored too late for its sender is settled all the same. */
  const storing = <T>(work: (opened: Opened) => Promise<T>, isNew: (stored: T) => boolean): Promise<T> =>
    inTime(async (opened) => {
      const stored = await work(opened)
      if (isNew(stored)) tell((loop) => loop.wake())
      return stored
    })

  const noteNoStart = pacedErrors(
    (error, repeated) =>
      log('error', 'the loop could not start', { ...thrown(error), ...(repeated > 0 && { repeated }) }),
    Date.now,
  )

  async function start(): Promise<void> {
    if (!mayAct) return
    while (!stopped) {
      try {
        return await (await working()).start()
      } catch (error) {
        noteNoStart(error)
        await sleep(retryStartMs)
      }
    }
  }

  async function stop(): Promise<void> {
    stopped = true
    await (await loop?.catch(() => null))?.stop()
    await (await opened?.catch(() => null))?.db.destroy()
    await flushSpans()
  }

  return {
    env,
    routes,
    problems,
    warnings,
    written,
    receive: (arrival) =>
      storing(
        (opened) => opened.receive(arrival),
        () => true,
      ),
    takeCallbacks: (call) =>
      storing(
        (opened) => opened.takeCallbacks(call),
        (taken) => taken.ok && taken.stored > 0,
      ),
    reject: (rejection) => inTime((opened) => opened.reject(rejection)),
    recordsCallback: refusalPace(Date.now),
    wake: () => tell((loop) => loop.look()),
    drain: async (until) => {
      if (!mayAct) return
      await (await working()).drain(until)
      await flushSpans()
    },
    start,
    stop,
  }
}
