import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { createPump } from '../base/pump.ts'
import { pollName } from '../core/polling/state.ts'
import { notifiedOf } from '../core/rules/rules.ts'
import { nextOpenChange } from '../store/tables/changes.ts'
import { pollAt } from '../store/tables/polls.ts'
import { nextReplay } from '../store/tables/replays.ts'
import { ensureTargets, nextDue } from '../store/tables/targets.ts'
import { createDelivery, type DeliverDeps } from './deliver/deliver.ts'
import { type PollDeps, poll } from './poll.ts'
import { prune } from './prune.ts'
import { replayNext } from './replay/job.ts'
import { createSettler, type SettleDeps } from './settle/settle.ts'
import { copyTexts } from './settle/version-text.ts'
import { type WatchDeps, watch } from './watch.ts'

/** How often a resident loop asks the store for work that another instance left behind: two or three queries each time. */
const lookMs = 5000
/**
 * So long after an event its change is looked at: the events of one edit come within milliseconds, and one look at all
 * of them tells as much as one at each. Nor does the door's answer wait behind it.
 */
const gatherMs = 5
/**
 * While events come, settling rests for so many times as long as it kept the thread busy: the endpoint must answer,
 * settling can wait.
 */
const endpointShare = 3
/** After an error (the store is out of reach) it tries again this much later. */
const afterErrorMs = 1000
/** How long sends under way may take to finish when the process is told to end. */
const graceMs = 10_000
/** Old changes are looked for once in this time. */
const pruneMs = 3_600_000
/** The work of bulk replays, of polling and of copying texts, among the names of targets. */
const replays = '\0replays'
const polling = '\0polling'
const texts = '\0texts'

export interface LoopDeps
  extends SettleDeps,
    Omit<DeliverDeps, 'stop' | 'stopping' | 'announces' | 'onTrouble'> {
  sleep: (ms: number) => Promise<void>
  /** Reading traces and scores from Langfuse; absent: it is not polled. */
  poll?: Omit<PollDeps, 'db' | 'rules' | 'now' | 'stopping' | 'retentionMs'>
  /** Looking whether something goes wrong around the relay; absent: nobody looks. */
  watch?: Pick<WatchDeps, 'api' | 'quietMs'>
  /** How long settled and delivered changes are kept, days. */
  retentionDays: number
}

/** One kind of work over the store: does what is due, and says when it wants to run next. */
interface Work {
  run: () => Promise<number | null>
  idle: () => Promise<void>
}

export interface Loop {
  /** Begins to run by itself, until stopped. */
  start: () => Promise<void>
  /** An event was stored: look at the open changes soon. */
  wake: () => void
  /** Anything may have become due: look at all of it now. */
  look: () => void
  /**
   * Works while something is due before `until` (epoch milliseconds), and waits for what will be: for functions with
   * a time limit, and for cron. Safe to call at once, from several instances too.
   */
  drain: (until: number) => Promise<void>
  /** No new claims; sends under way finish or, after a grace time, are given back. */
  stop: () => Promise<void>
}

const earliest = (times: (number | null)[]): number | null => {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.min(...known)
}

/** Each kind of work runs on its own pump, so that a slow target holds up no other. */
export function createLoop(deps: LoopDeps): Loop {
  const { db, routes, now, onError } = deps
  const names = Object.keys(routes.targets)
  const abort = new AbortController()
  let stopping = false
  let isResident = false
  let isEndpointBusy = false
  let drainUntil = 0
  let prunedAt = 0
  const mayNotWork = () => stopping || !(isResident || now() < drainUntil)

  const settler = createSettler(deps, {
    stopping: mayNotWork,
    onReady: () => pumps.get('')?.wake(),
    onLarge: () => pumps.get(texts)?.wake(),
    onError,
  })
  const settle: Work = {
    run: async () => {
      while (!mayNotWork()) {
        // SQLite never waits for anything: without giving way, no request is read while changes are due.
        await setImmediate()
        const before = performance.eventLoopUtilization()
        const { settled, isMore } = await settler.settleDue()
        if (settled > 0) for (const name of names) pumps.get(name)?.wake()
        if (!isMore) return nextOpenChange(db)
        if (!isEndpointBusy) continue
        isEndpointBusy = false
        await deps.sleep(endpointShare * performance.eventLoopUtilization(before).active)
      }
      return null
    },
    idle: settler.idle,
  }
  const replaying: Work = {
    run: async () => {
      while (!mayNotWork() && (await replayNext({ db, routes, now, stopping: mayNotWork })) === 'worked')
        for (const name of names) pumps.get(name)?.wake()
      return mayNotWork() ? null : nextReplay(db)
    },
    idle: async () => {},
  }
  const reading: Work = {
    run: async () => {
      if (!deps.poll || mayNotWork()) return null
      const retentionMs = deps.retentionDays * 86_400_000
      const { rules } = routes
      const nextAt = await poll({ ...deps.poll, db, rules, now, stopping: mayNotWork, retentionMs })
      pumps.get('')?.wake()
      return nextAt
    },
    idle: async () => {},
  }
  const copying: Work = {
    run: async () => {
      if (!mayNotWork()) await copyTexts(db, mayNotWork, deps.sleep)
      return null
    },
    idle: async () => {},
  }
  const delivery = (name: string): Work => {
    const announces = notifiedOf(routes, name).length > 0
    const onTrouble = () => pumps.get('')?.wake()
    const more = { stop: abort.signal, stopping: mayNotWork, announces, onTrouble }
    const target = routes.targets[name]
    if (!target) throw new Error(`There is no target ${name}`)
    return createDelivery(name, target, { ...deps, ...more }, () => pumps.get(name)?.wake())
  }
  const works = new Map<string, Work>([
    ['', settle],
    [replays, replaying],
    [polling, reading],
    [texts, copying],
    ...names.map((name) => [name, delivery(name)] as [string, Work]),
  ])

  const pumpFor = (run: Work['run'], againMs: number) => {
    const afterError = (error: unknown) => {
      onError(error)
      return now() + againMs
    }
    return createPump(run, afterError, now)
  }
  const pumps = new Map([...works].map(([name, { run }]) => [name, pumpFor(run, afterErrorMs)]))
  const looking = pumpFor(async () => {
    for (const [name, at] of await nextDue(db, names)) pumps.get(name)?.wakeAt(at)
    const replayAt = await nextReplay(db)
    if (replayAt !== null) pumps.get(replays)?.wakeAt(replayAt)
    if (deps.poll) pumps.get(polling)?.wakeAt((await pollAt(db, pollName(deps.poll.api), now())) ?? now())
    return now() + lookMs
  }, lookMs)
  const watching = pumpFor(async () => {
    if (!deps.watch || mayNotWork()) return null
    const onTrouble = () => pumps.get('')?.wake()
    const nextAt = await watch({ ...deps.watch, db, now, targets: names, onTrouble })
    return isResident ? nextAt : null
  }, lookMs)
  const pruning = pumpFor(async () => {
    prunedAt = now()
    // What an instance left that died.
    pumps.get(texts)?.wake()
    await prune(db, { retentionDays: deps.retentionDays, now, stopping: mayNotWork })
    return now() + pruneMs
  }, pruneMs)

  const isQuiet = () => ![...pumps.values()].some((pump) => pump.isRunning())
  /** Resolves when nothing runs and nothing is being sent. */
  async function quiet(): Promise<void> {
    do {
      await Promise.all([...pumps.values()].map((pump) => pump.idle()))
      await Promise.all([...works.values()].map((work) => work.idle()))
    } while (!isQuiet())
  }

  async function drain(until: number): Promise<void> {
    await ensureTargets(db, names)
    drainUntil = Math.max(drainUntil, until)
    watching.wake()
    for (const pump of pumps.values()) pump.wake()
    await watching.idle()
    await quiet()
    for (let at = nextAt(); at !== null && at <= until && !mayNotWork(); at = nextAt()) {
      await deps.sleep(Math.max(0, at - now()))
      await quiet()
    }
    if (now() - prunedAt >= pruneMs && !mayNotWork()) pruning.wake()
    await pruning.idle()
  }
  const nextAt = () => earliest([...pumps.values()].map((pump) => pump.nextAt()))

  return {
    start: async () => {
      await ensureTargets(db, names)
      isResident = true
      looking.wake()
      pruning.wake()
      watching.wake()
    },
    wake: () => {
      isEndpointBusy = true
      pumps.get('')?.wakeAt(now() + gatherMs)
    },
    look: looking.wake,
    drain,
    stop: async () => {
      stopping = true
      const grace = setTimeout(() => abort.abort(), graceMs)
      await Promise.all([looking, pruning, watching, ...pumps.values()].map((pump) => pump.stop()))
      await Promise.all([...works.values()].map((work) => work.idle()))
      clearTimeout(grace)
    },
  }
}
