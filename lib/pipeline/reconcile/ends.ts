import { correctedTitle } from '../../core/change/describe-corrected.ts'
import { enoughAlive, isTooMany } from '../../core/reconcile/compare.ts'
import type { CurrentLook, LookState } from '../../core/reconcile/state.ts'
import { begin, ended } from '../../core/reconcile/steps.ts'
import type { Db } from '../../store/client.ts'
import { newChange, openKeyedChange } from '../../store/tables/changes.ts'
import { countLive } from '../../store/tables/listed-versions.ts'
import { countDeletions, countDoubts, wakeDeletions } from '../../store/tables/prompt-looks.ts'
import { addCount } from '../../store/tables/reconcile-counts.ts'
import type { Run } from './run.ts'

/** How long a first look waits for prompts that differ and cannot be read. */
const maxWaitMs = 3_600_000

/** Ends the first look once all that differed has been settled. False: it has not been. */
export async function endFirst(run: Run, current: CurrentLook): Promise<boolean> {
  const { db, now } = run.deps
  const isWaiting = now() - current.startedAt < maxWaitMs
  if (isWaiting && (await countDoubts(db, run.look.projectId)) > 0) return false
  await run.commit((trx) => endFull(trx, run, current))
  return true
}

/** The state after a full look: deletions that are too many are held back, and what was corrected is reported. */
export async function endFull(trx: Db, run: Run, current: CurrentLook): Promise<LookState> {
  const { look, deps } = run
  const now = deps.now()
  const state = await withHeld(trx, run, ended(look.state, current, now), current)
  if (state.corrected.count > 0) await reportCorrected(trx, run, state.corrected)
  return { ...state, corrected: { count: 0, names: [] } }
}

async function withHeld(
  trx: Db,
  { look, deps }: Run,
  state: LookState,
  { gone }: CurrentLook,
): Promise<LookState> {
  const isDoubtful = isTooMany(gone, await countLive(trx, look.projectId, enoughAlive(gone)))
  if (isDoubtful) return { ...state, held: { versions: gone, since: state.held?.since ?? deps.now() } }
  if (state.held) await wakeDeletions(trx, look.projectId, deps.now())
  return { ...state, held: null }
}

async function reportCorrected(
  trx: Db,
  { look, deps }: Run,
  { count, names }: LookState['corrected'],
): Promise<void> {
  const now = deps.now()
  const { projectId } = look
  await addCount(trx, projectId, 'corrected', { count, from: now, to: now, now })
  const change = newChange({
    ...{ now, openKey: `corrected:${projectId}`, kind: 'corrected', projectId, subject: 'Langfuse' },
    title: correctedTitle(count),
    detail: { facts: [{ kind: 'corrected', prompts: count, names }] },
  })
  await openKeyedChange(trx, change)
  deps.onStored()
}

/**
 * A person confirmed deletions that were held back. Those that were found since stay held if they are too many. A full look
 * under way has counted both, so it begins again.
 */
export async function releaseHeld(run: Run): Promise<void> {
  const { state, confirmedAt, projectId } = run.look
  const { held, current, baselineAt } = state
  if (!held || confirmedAt === null || confirmedAt < held.since) return
  await run.commit(async (trx) => {
    const now = run.deps.now()
    const { later } = await countDeletions(trx, projectId, confirmedAt)
    await wakeDeletions(trx, projectId, now)
    const isMore = isTooMany(later, await countLive(trx, projectId, enoughAlive(later)))
    const isAgain = current?.kind === 'full' && baselineAt !== null
    const since = Math.max(now, confirmedAt + 1)
    return {
      ...(isAgain ? begin(state, current, now) : state),
      held: isMore ? { versions: later, since } : null,
    }
  })
}
