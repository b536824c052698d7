import { nextOpenChange } from './db/changes.ts'
import type { Db } from './db/client.ts'
import { ensureTargets, nextDue } from './db/targets.ts'
import { createDelivery, type DeliverDeps } from './deliver.ts'
import { createPump } from './pump.ts'
import type { Routes } from './rules.ts'
import { settleNext } from './settle.ts'

/** How often a resident loop asks the store for work that another instance left behind: one query each time. */
const lookMs = 5000
/** After an error (the store is out of reach) it tries again this much later. */
const afterErrorMs = 1000
/** How long sends under way may take to finish when the process is told to end. */
const graceMs = 10_000

export interface LoopDeps extends Omit<DeliverDeps, 'stop' | 'stopping' | 'announces'> {
  db: Db
  routes: Routes
  sleep: (ms: number) => Promise<void>
}

/** One kind of work over the store: does what is due, and says when it wants to run next. */
interface Work {
  run: () => Promise<number | null>
  idle: () => Promise<void>
}

export interface Loop {
  /** Begins to run by itself, until stopped. */
  start: () => Promise<void>
  /** Something was stored: look now. */
  wake: () => void
  /** Works while something is due before `until` (epoch milliseconds): for functions with a time limit, and for cron. */
  drain: (until: number) => Promise<void>
  /** No new claims; sends under way finish or, after a grace time, are given back. */
  stop: () => Promise<void>
}

const earliest = (times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

export function createLoop(deps: LoopDeps): Loop {
  const { db, routes, now, onError } = deps
  const abort = new AbortController()
  const wakers = new Map<string, () => void>()
  let stopping = false

  const wakeDeliveries = () => {
    for (const name of names) wakers.get(name)?.()
  }

  const settle: Work = {
    run: async () => {
      while (!stopping) {
        const result = await settleNext({ db, routes, now })
        if (result === 'settled') wakeDeliveries()
        if (result === 'none') return nextOpenChange(db)
      }
      return null
    },
    idle: async () => {},
  }
  const names = Object.keys(routes.targets)
  const works = new Map<string, Work>([['', settle]])
  for (const [name, target] of Object.entries(routes.targets)) {
    const { alertTarget } = routes
    const announces = (one: string) => alertTarget !== null && alertTarget !== one
    const delivery = { ...deps, stop: abort.signal, stopping: () => stopping, announces }
    works.set(
      name,
      createDelivery(name, target, delivery, () => wakers.get(name)?.()),
    )
  }

  const pumps = new Map(
    [...works].map(([name, work]) => [
      name,
      createPump(
        work.run,
        (error) => {
          onError(error)
          return now() + afterErrorMs
        },
        now,
      ),
    ]),
  )
  const look = createPump(
    async () => {
      for (const [name, at] of await nextDue(db, names)) pumps.get(name)?.wakeAt(at)
      return now() + lookMs
    },
    (error) => {
      onError(error)
      return now() + lookMs
    },
    now,
  )

  const idle = () => Promise.all([...works.values()].map((work) => work.idle()))

  return {
    start: async () => {
      await ensureTargets(db, names)
      for (const [name, pump] of pumps) wakers.set(name, pump.wake)
      look.wake()
    },
    wake: () => wakers.get('')?.(),
    drain: async (until) => {
      await ensureTargets(db, names)
      while (!stopping) {
        const next = await settle.run()
        const others = await Promise.all(names.map((name) => works.get(name)?.run() ?? null))
        await idle()
        const at = earliest([next, ...others])
        if (at === null || at > until) return
        await deps.sleep(Math.max(0, at - now()))
      }
    },
    stop: async () => {
      stopping = true
      const grace = setTimeout(() => abort.abort(), graceMs)
      await Promise.all([look, ...pumps.values()].map((pump) => pump.stop()))
      await idle()
      clearTimeout(grace)
    },
  }
}
