import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { createPump, type Pump } from '../base/pump.ts'
import { pollName } from '../core/polling/state.ts'
import { notifiedOf } from '../core/rules/rules.ts'
import type { Target } from '../core/rules/target-settings.ts'
import { nextOpenChange } from '../store/tables/changes.ts'
import { leaseName } from '../store/tables/looks.ts'
import { dueTimes } from '../store/tables/polls.ts'
import { nextReplay } from '../store/tables/replays.ts'
import { ensureTargets, nextDue } from '../store/tables/targets.ts'
import { createDelivery, type DeliverDeps } from './deliver/deliver.ts'
import { type PollDeps, poll } from './poll.ts'
import { learnProjectIds } from './project-ids.ts'
import { prune } from './prune.ts'
import { runLook } from './reconcile/look.ts'
import { isAlone, notePresence } from './reconcile/presence.ts'
import type { LookDeps } from './reconcile/run.ts'
import { replayNext } from './replay/bulk-replay.ts'
import { createSettler, type SettleDeps } from './settle/settle.ts'
import { copyTexts } from './settle/version-text.ts'
import { type WatchDeps, watch } from './watch.ts'

/** How often a resident loop checks the store for work that other instances left: two or three queries each time. */
const checkMs = 5000
/**
 * How long after an event its change is settled: the events of one edit arrive within milliseconds, and settling them
 * together costs no more than settling one. Nor does the endpoint's answer have to wait for it.
 */
const gatherMs = 5
/** While events arrive, settling pauses for this many times as long as it occupied the thread: it can wait, endpoints cannot. */
const endpointShare = 3
/** How long after an error, such as a store out of reach, it tries again. */
const afterErrorMs = 1000
/** How long sends in progress may take when the process is asked to stop. */
const graceMs = 10_000
const pruneMs = 3_600_000
const presenceMs = 30_000
/** How often a dry instance checks whether a live one still uses its store. */
const dryMs = 60_000
const dayMs = 86_400_000

export interface LoopDeps
  extends SettleDeps,
    Omit<DeliverDeps, 'stop' | 'stopping' | 'announces' | 'onTrouble'> {
  sleep: (ms: number) => Promise<void>
  /** Reading traces and scores from Langfuse, one for each project that is polled. */
  polls?: readonly ProjectPoll[]
  /** Comparing prompts with Langfuse, one for each project that is compared. */
  looks?: readonly ProjectLook[]
  /** Watching for what goes wrong around the relay; absent: nothing is watched. */
  watch?: Pick<WatchDeps, 'apis' | 'quietMs' | 'compares'>
  /** How long settled, delivered changes are kept, days. */
  retentionDays: number
}

type ProjectPoll = Omit<PollDeps, 'db' | 'rules' | 'now' | 'stopping' | 'retentionMs'>
type ProjectLook = Omit<LookDeps, 'db' | 'now' | 'stopping' | 'until' | 'onStored'>

export interface Loop {
  /** Runs by itself from now on, until stopped. */
  start: () => Promise<void>
  /** An event was stored: settle its change soon. */
  wake: () => void
  /** Anything may be due: check everything now. */
  checkAll: () => void
  /**
   * Works until nothing is due before `until` (epoch milliseconds), and waits for what will be: for functions with a
   * time limit, and for cron. Calls may overlap, also between instances.
   */
  drain: (until: number) => Promise<void>
  /** Whether a project is due to be compared with Langfuse. */
  isLookDue: () => Promise<boolean>
  /** No new claims; sends in progress finish or, after a grace period, are given back. */
  stop: () => Promise<void>
}

/** One kind of work. `run` does what is due and returns when to run next; null: when woken. */
interface Work {
  run: () => Promise<number | null>
  /** Resolves when everything it started has ended. */
  idle?: () => Promise<void>
}

/**
 * Each kind of work, each project and each target has its own pump, so that one that is slow does not delay others.
 * `poll`, `look`: by the project's name; `deliver`: by the target's.
 */
interface Each<Kind> {
  settle: Kind
  replay: Kind
  copyTexts: Kind
  poll: Map<string, Kind>
  look: Map<string, Kind>
  deliver: Map<string, Kind>
}

const all = <Kind>({ settle, replay, copyTexts, poll, look, deliver }: Each<Kind>): Kind[] => [
  ...[settle, replay, copyTexts],
  ...poll.values(),
  ...look.values(),
  ...deliver.values(),
]

interface LoopState {
  /** It runs by itself, not only while draining. */
  isResident: boolean
  isStopping: boolean
  /** Epoch milliseconds. */
  drainUntil: number
  /** An event has arrived since settling last paused. */
  isEndpointBusy: boolean
  prunedAt: number
}

interface LoopContext {
  deps: LoopDeps
  state: LoopState
  /** True: start no new work. */
  stopping: () => boolean
  /** Aborted when sends in progress must end. */
  stop: AbortSignal
  pumps: Each<Pump>
}

function wakeTargets({ deliver }: Each<Pump>): void {
  for (const pump of deliver.values()) pump.wake()
}

function settling({ deps, state, stopping, pumps }: LoopContext): Work {
  const { settleDue, idle } = createSettler(deps, {
    stopping,
    onReady: pumps.settle.wake,
    onLarge: pumps.copyTexts.wake,
    onError: deps.onError,
  })
  const run = async () => {
    while (!stopping()) {
      // SQLite answers synchronously: without this, no request is read while changes are due.
      await setImmediate()
      const before = performance.eventLoopUtilization()
      const { settled, isMore } = await settleDue()
      if (settled > 0) wakeTargets(pumps)
      if (!isMore) return nextOpenChange(deps.db)
      if (!state.isEndpointBusy) continue
      state.isEndpointBusy = false
      await deps.sleep(endpointShare * performance.eventLoopUtilization(before).active)
    }
    return null
  }
  return { run, idle }
}

const replaying = ({ deps: { db, routes, directory, now }, stopping, pumps }: LoopContext): Work => ({
  run: async () => {
    while (!stopping() && (await replayNext({ db, routes, directory, now, stopping })) === 'worked')
      wakeTargets(pumps)
    return stopping() ? null : nextReplay(db)
  },
})

const polling = (project: ProjectPoll, { deps, stopping, pumps }: LoopContext): Work => ({
  run: async () => {
    if (stopping()) return null
    const { db, now, routes, retentionDays } = deps
    const retentionMs = retentionDays * dayMs
    const nextAt = await poll({ ...project, db, rules: routes.rules, now, stopping, retentionMs })
    pumps.settle.wake()
    return nextAt
  },
})

const looking = (project: ProjectLook, { deps, state, stopping, pumps }: LoopContext): Work => ({
  run: async () => {
    const { db, directory, now } = deps
    if (stopping()) return null
    if (deps.isDry && !(await isAlone(db, now()))) return now() + dryMs
    const until = state.isResident ? Number.POSITIVE_INFINITY : state.drainUntil
    return runLook({ ...project, db, directory, now, stopping, until, onStored: pumps.settle.wake })
  },
})

const copying = ({ deps, stopping }: LoopContext): Work => ({
  run: async () => {
    if (!stopping()) await copyTexts(deps.db, stopping, deps.sleep)
    return null
  },
})

function delivering([name, target]: [string, Target], { deps, stopping, stop, pumps }: LoopContext): Work {
  const announces = notifiedOf(deps.routes, name).length > 0
  const more = { stop, stopping, announces, onTrouble: pumps.settle.wake }
  return createDelivery(name, target, { ...deps, ...more }, () => pumps.deliver.get(name)?.wake())
}

const worksOf = (context: LoopContext): Each<Work> => ({
  settle: settling(context),
  replay: replaying(context),
  copyTexts: copying(context),
  poll: new Map((context.deps.polls ?? []).map((one) => [one.project.name, polling(one, context)])),
  look: new Map((context.deps.looks ?? []).map((one) => [one.project.name, looking(one, context)])),
  deliver: new Map(
    Object.entries(context.deps.routes.targets).map((one) => [one[0], delivering(one, context)]),
  ),
})

function pumpFor(run: Work['run'], againMs: number, { onError, now }: LoopDeps): Pump {
  const afterError = (error: unknown) => {
    onError(error)
    return now() + againMs
  }
  return createPump(run, afterError, now)
}

/** `works` exists once a pump runs. */
function pumpsFor(works: () => Each<Work>, deps: LoopDeps): Each<Pump> {
  const pump = (run: Work['run']) => pumpFor(run, afterErrorMs, deps)
  const delivery = (name: string) => pump(async () => works().deliver.get(name)?.run() ?? null)
  const projectPoll = (name: string) => pump(async () => works().poll.get(name)?.run() ?? null)
  const projectLook = (name: string) => pump(async () => works().look.get(name)?.run() ?? null)
  return {
    settle: pump(() => works().settle.run()),
    replay: pump(() => works().replay.run()),
    copyTexts: pump(() => works().copyTexts.run()),
    poll: new Map((deps.polls ?? []).map(({ project: { name } }) => [name, projectPoll(name)])),
    look: new Map((deps.looks ?? []).map(({ project: { name } }) => [name, projectLook(name)])),
    deliver: new Map(Object.keys(deps.routes.targets).map((name) => [name, delivery(name)])),
  }
}

/** When each project is due to be polled and compared: now, if it never was. */
async function projectTimes({ db, polls = [], looks = [], now }: LoopDeps): Promise<{
  poll: [project: string, at: number][]
  look: [project: string, at: number][]
}> {
  const polled = polls.map(({ project, api }) => ({ name: project.name, row: pollName(api) }))
  const compared = looks.map(({ project: { name } }) => ({ name, row: leaseName(name) }))
  const rows = [...polled, ...compared].map(({ row }) => row)
  const due = await dueTimes(db, rows, now())
  const timesOf = (all: typeof polled) =>
    all.map(({ name, row }): [string, number] => [name, due.get(row) ?? now()])
  return { poll: timesOf(polled), look: timesOf(compared) }
}

/** What runs periodically. `check` wakes the pumps of what is due. */
interface Timers {
  check: Pump
  presence: Pump
  watch: Pump
  prune: Pump
}

function timersFor({ deps, state, stopping, pumps }: LoopContext): Timers {
  const { db, now } = deps
  const targets = Object.keys(deps.routes.targets)
  const check = async () => {
    if (deps.directory) await learnProjectIds(db, deps.directory)
    const due = await nextDue(db, targets)
    if (due.change !== null) pumps.settle.wakeAt(due.change)
    for (const [name, at] of due.deliveries) pumps.deliver.get(name)?.wakeAt(at)
    const replayAt = await nextReplay(db)
    if (replayAt !== null) pumps.replay.wakeAt(replayAt)
    const { poll: polls, look: looks } = await projectTimes(deps)
    for (const [name, at] of polls) pumps.poll.get(name)?.wakeAt(at)
    for (const [name, at] of looks) pumps.look.get(name)?.wakeAt(at)
    return now() + checkMs
  }
  const presenceOnce = async () => {
    const projects = (deps.looks ?? []).map(({ project }) => project)
    const { isDry = false } = deps
    const isAsked = await notePresence({ db, now, projects, isDry, isResident: state.isResident })
    if (isAsked) for (const pump of pumps.look.values()) pump.wake()
    return state.isResident ? now() + presenceMs : null
  }
  const watchOnce = async () => {
    if (!deps.watch || stopping()) return null
    const { directory } = deps
    const nextAt = await watch({ ...deps.watch, directory, db, now, targets, onTrouble: pumps.settle.wake })
    return state.isResident ? nextAt : null
  }
  const pruneOnce = async () => {
    state.prunedAt = now()
    // An instance that died may have left texts to copy.
    pumps.copyTexts.wake()
    await prune(db, { retentionDays: deps.retentionDays, now, stopping })
    return now() + pruneMs
  }
  return {
    check: pumpFor(check, checkMs, deps),
    presence: pumpFor(presenceOnce, checkMs, deps),
    watch: pumpFor(watchOnce, checkMs, deps),
    prune: pumpFor(pruneOnce, pruneMs, deps),
  }
}

/** Everything a loop runs. */
interface LoopParts {
  context: LoopContext
  works: Each<Work>
  timers: Timers
}

const idle = (works: Each<Work>) => Promise.all(all(works).map((work) => work.idle?.()))

/** Resolves when nothing runs and nothing is being sent. */
async function quiet({ context: { pumps }, works }: LoopParts): Promise<void> {
  do {
    await Promise.all(all(pumps).map((pump) => pump.idle()))
    await idle(works)
  } while (all(pumps).some((pump) => pump.isRunning()))
}

function nextRun(pumps: Each<Pump>): number | null {
  const times = all(pumps).flatMap((pump) => pump.nextAt() ?? [])
  return times.length === 0 ? null : Math.min(...times)
}

async function drain(parts: LoopParts, until: number): Promise<void> {
  const { context, timers } = parts
  const { deps, state, stopping, pumps } = context
  if (deps.directory) await learnProjectIds(deps.db, deps.directory)
  state.drainUntil = Math.max(state.drainUntil, until)
  timers.watch.wake()
  timers.presence.wake()
  await timers.presence.idle()
  for (const pump of all(pumps)) pump.wake()
  await timers.watch.idle()
  await quiet(parts)
  for (let at = nextRun(pumps); at !== null && at <= until && !stopping(); at = nextRun(pumps)) {
    await deps.sleep(Math.max(0, at - deps.now()))
    await quiet(parts)
  }
  if (deps.now() - state.prunedAt >= pruneMs && !stopping()) timers.prune.wake()
  await timers.prune.idle()
}

async function stop({ context, works, timers }: LoopParts, abort: () => void): Promise<void> {
  context.state.isStopping = true
  const grace = setTimeout(abort, graceMs)
  const { check, presence, watch, prune } = timers
  await Promise.all([check, presence, watch, prune, ...all(context.pumps)].map((pump) => pump.stop()))
  await idle(works)
  clearTimeout(grace)
}

export function createLoop(deps: LoopDeps): Loop {
  const { db, now } = deps
  const targets = Object.keys(deps.routes.targets)
  const abort = new AbortController()
  const state = { isResident: false, isStopping: false, drainUntil: 0, isEndpointBusy: false, prunedAt: 0 }
  const stopping = () => state.isStopping || !(state.isResident || now() < state.drainUntil)
  const pumps = pumpsFor(() => works, deps)
  const context: LoopContext = { deps, state, stopping, stop: abort.signal, pumps }
  const works = worksOf(context)
  const timers = timersFor(context)
  return {
    start: async () => {
      await ensureTargets(db, targets)
      state.isResident = true
      for (const timer of [timers.presence, timers.check, timers.prune, timers.watch]) timer.wake()
    },
    wake: () => {
      state.isEndpointBusy = true
      pumps.settle.wakeAt(now() + gatherMs)
    },
    checkAll: timers.check.wake,
    drain: async (until) => {
      await ensureTargets(db, targets)
      await drain({ context, works, timers }, until)
    },
    isLookDue: async () => (await projectTimes(deps)).look.some(([, at]) => at <= now()),
    stop: () => stop({ context, works, timers }, () => abort.abort()),
  }
}
