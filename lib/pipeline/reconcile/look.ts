import { maxBeyondMs } from '../../base/retry.ts'
import type { CurrentLook, LeaseState, LookState } from '../../core/reconcile/state.ts'
import { begin, dueLook, nextLookAt } from '../../core/reconcile/steps.ts'
import { readProject } from '../../langfuse/api/project.ts'
import type { Db } from '../../store/client.ts'
import {
  claimLook,
  endLease,
  endLookRequest,
  type Lease,
  readLease,
  readLook,
} from '../../store/tables/looks.ts'
import { nextDoubt } from '../../store/tables/prompt-looks.ts'
import { readDetails } from './details.ts'
import { settleDoubts } from './doubts.ts'
import { endFirst, endFull, releaseHeld } from './ends.ts'
import { findGone, readHolders, readNames } from './pages.ts'
import { type LookDeps, leaseMs, type Pause, pauseOf, type Run, startRun } from './run.ts'

/** The pause after a request without an answer. */
const afterFailureMs = 60_000
/** Instances' clocks differ. A rest that is longer by more was begun while a clock was wrong. */
const marginMs = 10 * 60_000

/**
 * Goes on comparing a project with Langfuse, for one instance at a time: page by page, until nothing is due, time is up, or
 * Langfuse does not answer. Returns when to go on, epoch milliseconds.
 */
export async function runLook(deps: LookDeps): Promise<number | null> {
  const { db, project, now, stopping } = deps
  if (stopping()) return null
  const restMs = Math.max(deps.everyMs, maxBeyondMs) + marginMs
  const lease = await claimLook(db, project.name, { now: now(), leaseMs, restMs })
  if (!lease) return (await readLease(db, project.name))?.nextAt ?? null
  const keys = await readProject(deps.api)
  if (!keys.ok) return endRun(deps, lease, pauseOf(keys))
  const { projectId } = keys
  const expected = expectedProject(deps, lease.state)
  if (expected !== null && expected !== projectId) {
    const message = `These API keys belong to the project ${projectId}, not to ${expected}`
    const state = { ...lease.state, projectId: expected, otherId: projectId }
    return endRun(deps, { ...lease, state }, { message, retryAfterMs: null })
  }
  deps.directory?.learn(project.name, projectId)
  const same = deps.directory?.withId(projectId)
  if (same && same.name !== project.name) {
    const message = `These API keys belong to the same project in Langfuse as those of ${same.name}`
    return endRun(deps, lease, { message, retryAfterMs: null })
  }
  const state = { ...lease.state, projectId, otherId: null, baseUrl: project.baseUrl }
  const run = await startRun(deps, { ...lease, state: { ...state, error: null } }, projectId)
  const pause = await takeSteps(run)
  if (run.isLost()) return (await readLease(db, project.name))?.nextAt ?? null
  return endRun(deps, run.lease, pause, await dueAt(run))
}

/** The project that the keys must belong to: with those of another, everything would be deleted and created. */
const expectedProject = ({ project: { id, baseUrl } }: LookDeps, before: LeaseState): string | null =>
  id ?? (before.baseUrl === baseUrl ? before.projectId : null)

async function endRun(
  { db, now }: LookDeps,
  lease: Lease,
  pause: Pause | null,
  dueAt: number = now() + afterFailureMs,
): Promise<number> {
  const error = pause && { at: now(), message: pause.message }
  const afterMs = pause?.retryAfterMs ?? null
  const silentUntil = afterMs === null ? null : now() + afterMs
  const nextAt = pause ? now() + Math.max(afterFailureMs, afterMs ?? 0) : dueAt
  await endLease(db, { ...lease, state: { ...lease.state, error, silentUntil } }, nextAt)
  return nextAt
}

/** Takes steps until nothing is due. Between two pages of a look, some doubts are settled; details come last. */
async function takeSteps(run: Run): Promise<Pause | null> {
  const { db, now, stopping, until } = run.deps
  while (!stopping() && now() < until && !run.isLost()) {
    run.look = await readLook(db, run.look)
    await releaseHeld(run)
    const step = await takeStep(run)
    if (step.pause) return step.pause
    const { pause, settled } = await settleDoubts(run)
    if (pause) return pause
    if (step.isTaken || settled > 0) continue
    const details = await readDetails(run)
    if (details.pause || !details.isTaken) return details.pause
  }
  return null
}

interface Step {
  isTaken: boolean
  pause: Pause | null
}

async function takeStep(run: Run): Promise<Step> {
  const { deps, look } = run
  const { current } = look.state
  if (current?.step === 'doubts') return { isTaken: await endFirst(run, current), pause: null }
  if (current) return { isTaken: true, pause: await readPage(run, current) }
  const due = dueLook(look, { now: deps.now(), everyMs: deps.everyMs })
  if (!due) return { isTaken: false, pause: null }
  await run.commit(async (trx) => {
    if (look.requested && due.kind === 'full') await endLookRequest(trx, look, look.requested)
    return begin(look.state, due, deps.now())
  })
  return { isTaken: true, pause: null }
}

function readPage(run: Run, current: CurrentLook): Promise<Pause | null> {
  if (current.step === 'names') return readNames(run, current)
  if (current.step === 'labels') return readHolders(run, current)
  return findGone(run, current, (trx, after) => afterGone(trx, run, after))
}

/** The first look ends when what differed from the known state has been settled. */
async function afterGone(trx: Db, run: Run, current: CurrentLook): Promise<LookState> {
  const { state } = run.look
  if (state.baselineAt === null) return { ...state, current: { ...current, step: 'doubts' } }
  return endFull(trx, run, current)
}

/** When the next step is due. */
async function dueAt({ deps: { db, now, everyMs }, look }: Run): Promise<number> {
  const fresh = await readLook(db, look)
  const doubtAt = await nextDoubt(db, look.projectId)
  const { current, details } = fresh.state
  const isMore = (current !== null && current.step !== 'doubts') || details !== null
  const isWaiting = current?.step === 'doubts'
  const lookAt = isWaiting ? now() + everyMs : nextLookAt(fresh, { now: now(), everyMs })
  return isMore ? now() : Math.min(lookAt, doubtAt ?? lookAt)
}
