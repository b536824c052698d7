import { newId } from '../../base/id.ts'
import type { StoredPromptEvent, VersionState } from '../../core/change/change.ts'
import { indexable } from '../../core/change/indexable.ts'
import { foldPrompt, type PromptKey } from '../../core/prompt/fold.ts'
import {
  asAlive,
  type Difference,
  differencesOf,
  enoughAlive,
  isNeverSent,
  isTooMany,
  type Judgement,
  judge,
  refreshed,
} from '../../core/reconcile/compare.ts'
import type { Doubt } from '../../core/reconcile/doubt.ts'
import { type LookState, maxCorrectedNames } from '../../core/reconcile/state.ts'
import { readProject } from '../../langfuse/api/project.ts'
import {
  type PromptRead,
  type PromptTruth,
  readPrompt,
  type VersionRead,
} from '../../langfuse/api/read-prompt.ts'
import type { LangfuseFailure } from '../../langfuse/api/request.ts'
import { lastKnown, openReconciled } from '../../langfuse/reconciled.ts'
import type { Db } from '../../store/client.ts'
import { changeOfEvent } from '../../store/tables/events.ts'
import { countLive, revisionOf } from '../../store/tables/listed-versions.ts'
import { type DueDoubt, dueDoubts, endDoubt, saveDoubt } from '../../store/tables/prompt-looks.ts'
import { saveVersions, versionsOf } from '../../store/tables/prompts.ts'
import { addCount } from '../../store/tables/reconcile-counts.ts'
import type { Arrival } from '../arrival.ts'
import { storeArrivals } from '../receive.ts'
import { discard, graceOf, type Pause, pauseOf, type Run } from './run.ts'

/** Prompts that are read between two pages of a look. */
export const doubtsAtOnce = 20
/** When a prompt is read again that changed meanwhile, or whose event waits to be settled. */
const againMs = 30_000
/** Prompts that are read at once: each takes several requests, one after the other. */
const readsAtOnce = 4
/** When a deletion that is held back is looked at again, unless a person confirms it before. */
const heldMs = 3_600_000
/** A prompt that cannot be read is read again after this long at the latest. */
const maxFailureMs = 3_600_000
const maxProblem = 300
/** Deletions within this time count together. */
const togetherMs = 15 * 60_000

/** Settles some of the doubts that are due. */
export async function settleDoubts(run: Run): Promise<{ pause: Pause | null; settled: number }> {
  const { db, now, stopping, until } = run.deps
  const due = await dueDoubts(db, run.look.projectId, { now: now(), max: doubtsAtOnce })
  let settled = 0
  for (let start = 0; start < due.length; start += readsAtOnce) {
    if (stopping() || now() >= until || run.isLost()) break
    const some = due.slice(start, start + readsAtOnce)
    for (const settle of await Promise.all(some.map((one) => readDoubt(run, one)))) {
      const pause = await settle()
      if (pause) return { pause, settled }
      settled++
    }
  }
  return { pause: null, settled }
}

/** What was found of one prompt. */
interface Found {
  key: PromptKey
  doubt: Doubt
  known: VersionState[]
  truth: PromptTruth
  revision: string
  readAt: number
}

/** Reads a prompt that is in doubt. Returns how to settle it: several are read at once, and written one after the other. */
async function readDoubt(run: Run, { name, doubt }: DueDoubt): Promise<() => Promise<Pause | null>> {
  const { deps, api, look } = run
  const key = { projectId: look.projectId, name }
  // Before the first request: what is written must not be older than an event that came meanwhile.
  const { revision, isOpen } = await revisionOf(deps.db, key)
  if (isOpen) return () => postpone(run, key, doubt, deps.settleMs + againMs)
  const known = await versionsOf(deps.db, key)
  const truth = await readPrompt(api, { ...key, known: asAlive(known), passed: doubt.passed })
  if (!truth.ok) return () => afterFailure(run, key, { doubt, failure: truth })
  const found = { key, doubt, known, truth, revision, readAt: deps.now() }
  return async () => {
    const isWritten = await run.commit((trx) => writeFound(trx, run, found))
    if (!isWritten && !run.isLost()) return postpone(run, key, doubt, againMs)
    deps.onStored()
    return null
  }
}

async function postpone(run: Run, key: PromptKey, doubt: Doubt, inMs: number): Promise<null> {
  await run.commit(async (trx) => {
    await saveDoubt(trx, key, { found: doubt, dueAt: run.deps.now() + inMs })
    return null
  })
  return null
}

/**
 * A prompt that cannot be read is put off, and does not hold up the others, unless nothing can be read: then it is left as
 * it is, behind them.
 */
async function afterFailure(
  run: Run,
  key: PromptKey,
  { doubt, failure }: { doubt: Doubt; failure: Extract<PromptRead, { ok: false }> },
): Promise<Pause | null> {
  const pause = await pauseFor(run, failure)
  if (pause) return (await postpone(run, key, doubt, Math.max(againMs, pause.retryAfterMs ?? 0))) ?? pause
  const startMs = failure.isChanging ? againMs : graceOf(run.deps)
  const inMs = Math.min(maxFailureMs, startMs * 2 ** doubt.failures)
  return postpone(
    run,
    key,
    { ...doubt, failures: doubt.failures + 1, problem: failure.message.slice(0, maxProblem) },
    Math.max(inMs, failure.retryAfterMs ?? 0),
  )
}

/** Null: Langfuse answers other requests. A proxy may refuse one name, or a prompt be too large for the server. */
async function pauseFor(run: Run, failure: LangfuseFailure): Promise<Pause | null> {
  if (failure.status === 429 || failure.isOverBudget) return pauseOf(failure)
  if (failure.status === 200) return null
  const project = await readProject(run.api)
  return project.ok ? null : pauseOf(project)
}

async function writeFound(trx: Db, run: Run, found: Found): Promise<LookState | typeof discard | null> {
  const { key, doubt, known, truth, readAt } = found
  const differences = differencesOf(known, truth)
  const except = new Set(differences.map(({ version }) => version))
  await saveVersions(trx, key, refreshed(known, truth, { readAt, except }), new Map())
  const { judgement, state } = await judgeFound(trx, run, { found, differences })
  const { mature, rest, isHeld } = judgement
  const written =
    mature.length > 0 ? await writeMature(trx, run, { found, mature, state }) : { state, own: '' }
  if (!(await isUntouched(trx, found, written.own))) return discard
  const dueAt = readAt + (isHeld ? heldMs : graceOf(run.deps))
  if (rest) await saveDoubt(trx, key, { found: { ...doubt, ...rest }, dueAt })
  else await endOrGoOn(trx, found)
  return written.state
}

/** Of a prompt with very many labels, some are compared at a time, and all again if one was edited meanwhile. */
async function endOrGoOn(trx: Db, { key, doubt, truth, readAt }: Found): Promise<void> {
  const isNewer = truth.lastUpdatedAt !== doubt.lastUpdatedAt
  const { passed } = truth
  if (passed === null && (doubt.passed === 0 || !isNewer)) return endDoubt(trx, key)
  const isStart = passed === null || doubt.passed === 0
  const start = isStart && isNewer ? { since: readAt, lastUpdatedAt: truth.lastUpdatedAt } : {}
  const next = { ...doubt, ...start, items: [], failures: 0, passed: passed ?? 0 }
  await saveDoubt(trx, key, { found: next, dueAt: readAt + againMs })
}

/** Judges what differs. So many deletions at once are held back until a person confirms them. */
async function judgeFound(
  trx: Db,
  run: Run,
  { found, differences }: { found: Found; differences: readonly Difference[] },
): Promise<{ judgement: Judgement; state: LookState | null }> {
  const { deps, look } = run
  const { doubt, truth, revision, readAt } = found
  const { lastUpdatedAt } = truth
  const evidence = { now: readAt, graceMs: graceOf(deps), revision, lastUpdatedAt }
  const confirmedAt = look.confirmedAt ?? Number.NEGATIVE_INFINITY
  if (look.state.held)
    return { judgement: judge(doubt, differences, { ...evidence, heldAfter: confirmedAt }), state: null }
  const judgement = judge(doubt, differences, { ...evidence, heldAfter: null })
  const confirmed = doubt.items.filter(({ key, since }) => key === 'gone' && since <= confirmedAt)
  // What a person has confirmed does not count together with what comes later.
  const isCounted = ({ action, version }: Difference): boolean =>
    action === 'deleted' && !confirmed.some((one) => one.version === version)
  const gone = judgement.mature.filter(isCounted).length
  if (gone === 0) return { judgement, state: null }
  const { deleted, current } = look.state
  const recent = readAt - deleted.since < togetherMs ? deleted : { versions: 0, since: readAt }
  const versions = recent.versions + gone
  const inAll = Math.max(versions, current?.gone ?? 0)
  const isDoubtful = isTooMany(inAll, await countLive(trx, look.projectId, enoughAlive(inAll)))
  if (!isDoubtful) return { judgement, state: { ...look.state, deleted: { ...recent, versions } } }
  const held = { versions: Math.max(gone, current?.gone ?? 0), since: readAt }
  return {
    judgement: judge(doubt, differences, { ...evidence, heldAfter: confirmedAt }),
    state: { ...look.state, held },
  }
}

interface Mature {
  found: Found
  mature: readonly Difference[]
  state: LookState | null
}

/**
 * What cannot be explained any more becomes events, or is written silently where there is nothing to say of it. `own`: the
 * change of the events.
 */
async function writeMature(
  trx: Db,
  run: Run,
  { found, mature, state }: Mature,
): Promise<{ state: LookState | null; own: string }> {
  const { key, known, doubt } = found
  const { deps, look } = run
  const opened = mature.map((one) => eventOf(found, one, look.state.number))
  const fold = foldPrompt(
    known,
    opened.flatMap(({ stored }) => stored),
  )
  const isNews = fold.facts.some(({ kind }) => kind !== 'unchanged')
  if (isNews && !doubt.isSilent) {
    await countFound(trx, deps, { found, mature, state })
    const arrivals = opened.map(({ arrival }) => arrival)
    const [received] = await storeArrivals(trx, arrivals, { settleMs: 0, now: deps.now })
    return { state, own: (await changeOfEvent(trx, received?.eventId ?? '')) ?? '' }
  }
  const isTouched = new Set(fold.touched)
  const touched = fold.after.filter(({ version }) => isTouched.has(version))
  await saveVersions(trx, key, touched, new Map())
  const isAnew = doubt.passed > 0 || !known.some(({ deleted }) => !deleted)
  const isCorrected = isNews && doubt.isSilent && !isAnew
  return { state: isCorrected ? withCorrected(state ?? look.state, key.name) : state, own: '' }
}

/** Whether no event of the prompt came since it was read, other than what was found of it now (`own`). */
async function isUntouched(trx: Db, { key, revision }: Found, own = ''): Promise<boolean> {
  const now = await revisionOf(trx, key, own)
  return now.revision === revision && !now.isOpen
}

function withCorrected(state: LookState, name: string): LookState {
  const { count, names } = state.corrected
  return {
    ...state,
    corrected: { count: count + 1, names: [...names, indexable(name)].slice(0, maxCorrectedNames) },
  }
}

/** The event of one difference, to be stored, and as the fold reads it. */
function eventOf(
  { key, doubt, known, truth, readAt }: Found,
  { version, action }: Difference,
  look: number,
): { arrival: Arrival; stored: StoredPromptEvent[] } {
  const state = known.find((one) => one.version === version)
  const read = truth.versions.find((one) => one.version === version)
  const shown = read ?? (state && lastKnown(state))
  if (!shown) throw new Error('A difference of a version that is neither known nor read')
  const since = Math.max(doubt.knownAt ?? 0, state?.updatedAt ?? 0)
  const until = action === 'deleted' ? readAt : (shown.updatedAt ?? readAt)
  const knownAt = since === 0 ? null : Math.min(since, until)
  const opened = openReconciled({ ...key, action, version: shown, reconciled: { readAt, knownAt }, look })
  const { event, occurredAt } = opened
  const arrival: Arrival = {
    ...opened,
    ...{ source: 'langfuse-reconcile', receivedAt: readAt, headers: '{}', signature: '', secretHint: '' },
    test: false,
  }
  if (event.type !== 'prompt-version') return { arrival, stored: [] }
  const { text: _, config: __, ...rest } = event
  return { arrival, stored: [{ ...rest, eventId: newId('evt', readAt), occurredAt }] }
}

const configOf = (read: VersionRead | undefined): unknown =>
  read?.row && 'config' in read.row ? (read.row.config ?? null) : undefined

async function countFound(trx: Db, { now }: Run['deps'], { found, mature }: Mature): Promise<void> {
  const { key, known, truth, readAt } = found
  const versions = truth.versions.map((read) => ({ ...read, config: configOf(read) }))
  const isMissing = mature.some((one) => !isNeverSent(one, known, { ...truth, versions }))
  const times = mature.map(
    ({ version, action }) =>
      (action === 'deleted' ? null : truth.versions.find((one) => one.version === version)?.updatedAt) ??
      readAt,
  )
  const span = { from: Math.min(...times), to: Math.max(...times) }
  await addCount(trx, key.projectId, isMissing ? 'missing' : 'unsent', { count: 1, ...span, now: now() })
}
