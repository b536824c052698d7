import { setImmediate as nextTurn } from 'node:timers/promises'
import { newId } from '../../base/id.ts'
import { type ListFilter, listFilterParams, parseListFilter, timeRange } from '../../core/list/filter.ts'
import type { Routes } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow, ReplayRow } from '../../store/schema.ts'
import { type DeliveryGroup, idsAfter, matchingDeliveries } from '../../store/search/list.ts'
import {
  advanceReplay,
  claimReplay,
  holdsReplay,
  insertReplay,
  releaseReplay,
} from '../../store/tables/replays.ts'
import { openCircuits } from '../../store/tables/targets.ts'
import { type ReplayDeps, type ReplayMode, replayChange } from './replay.ts'

/** The most changes in one replay: at Slack's pace these take more than half a day. */
export const maxReplayed = 50_000

/** Short compared to the lease, and so that other replays get their turn. */
const batch = 100
/** After this long, a worker counts as dead. */
const leaseMs = 60_000

interface JobDeps extends Pick<ReplayDeps, 'directory'> {
  db: Db
  routes: Routes
  now: () => number
  stopping: () => boolean
}

/** `24h` means the 24 hours before the request, not before the work. */
const fixed = (filter: ListFilter, now: number): ListFilter =>
  filter.time === null ? filter : { ...filter, time: timeRange(filter.time, now) }

type MatchedRow = Pick<DeliveryRow, 'target' | 'status' | 'http_class'>

/** Whether the filter matches a delivery of a matching change. `open`: targets whose circuit is open. */
function means(
  { status, target, http }: ListFilter,
  open: ReadonlySet<string>,
): (row: MatchedRow) => boolean {
  const isWaiting = (row: MatchedRow): boolean => row.status === 'queued' || row.status === 'retrying'
  const isMeant = (row: MatchedRow): boolean =>
    status.some((one) => (one === 'held' ? open.has(row.target) && isWaiting(row) : one === row.status))
  return (row) =>
    (target === null || row.target === target) &&
    (http.length === 0 || http.some((one) => one === row.http_class)) &&
    (status.length === 0 || isMeant(row))
}

const openTargets = async (db: Db, now: number): Promise<Set<string>> =>
  new Set((await openCircuits(db, now)).keys())

/** What a replay as it was would do: for each target, numbers of deliveries. */
export interface Preview {
  changes: number
  newest: string | null
  targets: {
    target: string
    /** Delivered before: sent again. */
    again: number
    /** Not delivered so far. */
    first: number
    /** Not sent: in progress right now, or for a target that no longer exists. */
    left: number
  }[]
}

/** What a replay of all matching changes would do, counted exactly up to one more than `maxReplayed`. */
export async function previewReplay(
  { db, routes }: Pick<JobDeps, 'db' | 'routes'>,
  filter: ListFilter,
  now: number,
): Promise<Preview> {
  const wants = means(filter, await openTargets(db, now))
  const { changes, newest, groups } = await matchingDeliveries(db, { filter, now }, maxReplayed + 1)
  const meant = groups.filter((group) => group.status !== 'skipped' && wants(group))
  const targets = [...Map.groupBy(meant, ({ target }) => target)].map(([target, of]) => {
    const sum = (is: (group: DeliveryGroup) => boolean): number =>
      of.filter(is).reduce((total, { count }) => total + count, 0)
    const isGone = !Object.hasOwn(routes.targets, target)
    const isLeft = ({ status }: DeliveryGroup): boolean => isGone || status === 'sending'
    const again = sum((group) => group.status === 'delivered' && !isLeft(group))
    const first = sum((group) => group.status !== 'delivered' && !isLeft(group))
    return { target, again, first, left: sum(isLeft) }
  })
  return { changes, newest, targets: targets.toSorted((a, b) => (a.target < b.target ? -1 : 1)) }
}

/** `more`: more changes match now than the person saw. */
export type ReplayStart = { ok: true; id: string } | { ok: false; why: 'nothing' | 'too-many' | 'more' }

/** Stores a replay of all matching changes for the loop. `expected`: how many the person saw. */
export async function startReplay(
  { db, routes }: Pick<JobDeps, 'db' | 'routes'>,
  { filter, mode, expected }: { filter: ListFilter; mode: ReplayMode; expected: number },
  now: number,
): Promise<ReplayStart> {
  const { changes, newest } = await previewReplay({ db, routes }, filter, now)
  if (newest === null) return { ok: false, why: 'nothing' }
  if (changes > maxReplayed) return { ok: false, why: 'too-many' }
  if (changes > expected) return { ok: false, why: 'more' }
  const row: ReplayRow = {
    id: newId('rpl', now),
    filter: listFilterParams(fixed(filter, now)).toString(),
    mode,
    total: changes,
    until: newest,
    after: '',
    done: 0,
    queued: 0,
    left: 0,
    created_at: now,
    next_at: now,
    claim: 0,
    finished_at: null,
    cancelled: 0,
  }
  await insertReplay(db, row)
  return { ok: true, id: row.id }
}

/**
 * Works on a batch of one due replay. Each change is replayed and marked as done in one transaction, so that a crash repeats
 * none. `none`: nothing is due.
 */
export async function replayNext(deps: JobDeps): Promise<'worked' | 'none'> {
  const { db, now } = deps
  const job = await claimReplay(db, now(), leaseMs)
  if (!job) return 'none'
  const { filter } = parseListFilter(new URLSearchParams(job.filter))
  const ids = await idsAfter(db, { filter, now: now() }, job.after, batch)
  const wants = means(filter, await openTargets(db, now()))
  const due = ids.filter((id) => id <= job.until)
  for (const id of due) {
    if (deps.stopping()) break
    if (!(await replayOne(deps, job, { id, filter, wants }))) return 'worked'
    // SQLite answers synchronously: let other work run.
    await nextTurn()
  }
  const isOver = due.length < batch && !deps.stopping()
  await releaseReplay(
    db,
    job,
    isOver ? { next_at: null, finished_at: now() } : { next_at: now(), finished_at: null },
  )
  return 'worked'
}

interface ReplayStep {
  id: string
  filter: ListFilter
  wants: (row: DeliveryRow) => boolean
}

/** False: it was cancelled, or another worker has claimed it. */
async function replayOne(
  { db, routes, directory, now }: JobDeps,
  job: ReplayRow,
  { id, filter: { target }, wants }: ReplayStep,
): Promise<boolean> {
  const only = target === null ? routes : onlyTo(routes, target)
  return db.transaction().execute(async (trx) => {
    if (!(await holdsReplay(trx, job))) return false
    const replayed = await replayChange({ db: trx, routes: only, directory, now, wants }, id, job.mode)
    const queued = replayed?.queued.length ?? 0
    await advanceReplay(trx, job.id, { after: id, queued, left: replayed?.left.length ?? 0 })
    return true
  })
}

const onlyTo = (routes: Routes, name: string): Routes => ({
  ...routes,
  targets: Object.fromEntries(Object.entries(routes.targets).filter(([target]) => target === name)),
})
