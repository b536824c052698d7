import { isExplained, type KnownVersion, missingIn } from '../../core/reconcile/compare.ts'
import type { CurrentLook, LookState } from '../../core/reconcile/state.ts'
import { afterLabel, afterNames, ended, pageSize } from '../../core/reconcile/steps.ts'
import { type ListedPrompt, listPrompts } from '../../langfuse/api/listing.ts'
import type { Db } from '../../store/client.ts'
import {
  changedSince,
  giveLabel,
  holdersOf,
  knownNames,
  listedAmong,
  storeListed,
  unlistedHolders,
  versionsOfAll,
} from '../../store/tables/listed-versions.ts'
import { goneBy, noteListed } from '../../store/tables/prompt-looks.ts'
import { graceOf, type Pause, pauseOf, type Run, type Suspect, suspect } from './run.ts'

/** Null: it went well. */
type Ended = Promise<Pause | null>

/** Instances' clocks differ. */
const marginMs = 60_000

/** Reads one page of prompts and compares it. The first look stores what nothing was known of. */
export async function readNames(run: Run, current: CurrentLook): Ended {
  const { deps, api, look } = run
  const began = deps.now()
  const { page, from } = current
  const listed = await listPrompts(api, {
    page,
    limit: pageSize,
    ...(from !== null && { fromUpdatedAt: from }),
  })
  if (!listed.ok) return pauseOf(listed)
  await run.commit(async (trx) => {
    const names = listed.rows.map(({ name }) => name)
    const known = await versionsOfAll(trx, look.projectId, names)
    const isFirst = look.state.baselineAt === null
    const passes = new Set(afterNames(current, listed).look.labels)
    // The others have labels that are not listed: they are read one by one.
    const rows = listed.rows.filter(({ labels }) => labels.every((label) => passes.has(label)))
    const fresh = isFirst ? await freshOf(trx, run, { rows, known, at: listed.at ?? began }) : new Set()
    const news = listed.rows.filter(({ name }) => fresh.has(name))
    await storeListed(trx, look.projectId, news, deps.now())
    const others = listed.rows.filter(({ name }) => !fresh.has(name))
    const suspects = suspectsOf(others, known, from)
    await suspect(trx, run, suspects)
    if (current.kind === 'full') await noteListed(trx, look.projectId, names, { seen: current.number })
    const gone = current.gone + (await countGone(trx, run, suspects))
    const counted = withRequests(run, { ...current, gone })
    const { look: after, isOver } = afterNames(counted, listed)
    const { state } = look
    return isOver && current.kind === 'delta' ? ended(state, after, deps.now()) : { ...state, current: after }
  })
  return null
}

const withRequests = (run: Run, current: CurrentLook): CurrentLook => ({
  ...current,
  requests: current.requests + run.requests(),
})

/** Missing versions, without those whose deletion is being reported because a person confirmed it. */
async function countGone(trx: Db, { deps, look }: Run, suspects: readonly Suspect[]): Promise<number> {
  const { projectId, confirmedAt } = look
  const names = suspects.flatMap(({ name, missing }) => (missing.length > 0 ? [name] : []))
  const by = confirmedAt ?? Number.NEGATIVE_INFINITY
  const confirmed = confirmedAt === null ? new Map() : await goneBy(trx, projectId, { names, by })
  const open = confirmedAt === null ? new Set() : await changedSince(trx, projectId, names, deps.now())
  return suspects.reduce((sum, { name, missing }) => {
    const versions: Set<number> | undefined = confirmed.get(name)
    return open.has(name) ? sum : sum + missing.filter((version) => !versions?.has(version)).length
  }, 0)
}

function suspectsOf(
  rows: readonly ListedPrompt[],
  known: ReadonlyMap<string, KnownVersion[]>,
  from: number | null,
): Suspect[] {
  return rows.flatMap((row): Suspect[] => {
    const versions = known.get(row.name) ?? []
    if (isExplained(row, versions, from)) return []
    const missing = from === null ? missingIn(row, versions) : []
    return [{ name: row.name, lastUpdatedAt: row.lastUpdatedAt, missing }]
  })
}

/**
 * The prompts of a first look that are stored as listed: nothing is known of them, and no webhook of them can be on its way,
 * whose change would otherwise no longer be one.
 */
async function freshOf(
  trx: Db,
  { deps, look }: Run,
  {
    rows,
    known,
    at,
  }: { rows: readonly ListedPrompt[]; known: ReadonlyMap<string, KnownVersion[]>; at: number },
): Promise<Set<string>> {
  const quietSince = at - graceOf(deps) - marginMs
  const unknown = rows.filter(({ name, lastUpdatedAt }) => !known.has(name) && lastUpdatedAt < quietSince)
  const names = unknown.map(({ name }) => name)
  const changed = await changedSince(trx, look.projectId, names, deps.now() - graceOf(deps))
  return new Set(names.filter((name) => !changed.has(name)))
}

/** Reads one page of a label's holders, and after the last one, finds known holders that were not listed. */
export async function readHolders(run: Run, current: CurrentLook): Ended {
  const { api, look } = run
  const label = current.labels[current.passed] ?? ''
  const listed = await listPrompts(api, { page: current.page, limit: pageSize, label })
  if (!listed.ok) return pauseOf(listed)
  await run.commit(async (trx) => {
    const { projectId, state } = look
    const pass = current.page === 1 ? state.pass + 1 : state.pass
    await noteListed(
      trx,
      projectId,
      listed.rows.map(({ name }) => name),
      { labelled: pass },
    )
    await suspect(trx, run, await wrongHolders(trx, run, { label, rows: listed.rows, current }))
    const { look: after, isOver } = afterLabel(withRequests(run, current), listed)
    if (isOver) await suspectUnlisted(trx, run, { label, pass })
    return { ...state, pass, current: after }
  })
  return null
}

interface HoldersPage {
  label: string
  rows: readonly ListedPrompt[]
  current: CurrentLook
}

async function wrongHolders(
  trx: Db,
  { look: { projectId, state } }: Run,
  { label, rows, current }: HoldersPage,
): Promise<Suspect[]> {
  const names = rows.map(({ name }) => name)
  const known = await holdersOf(trx, projectId, { label, names })
  const holders = rows.map(({ name, versions }) => ({ name, version: versions.at(-1) ?? 0 }))
  const unheld = holders.filter(({ name }) => !known.has(name))
  const isFirst = state.baselineAt === null
  const given =
    isFirst && unheld.length > 0
      ? await giveLabel(trx, projectId, label, { holders: unheld, since: current.startedAt })
      : new Set<string>()
  const isRight = ({ name, version }: { name: string; version: number }): boolean => {
    const own = known.get(name)
    return given.has(name) || (own?.length === 1 && own[0] === version)
  }
  return holders
    .filter((one) => !isRight(one))
    .map(({ name }) => ({ name, lastUpdatedAt: null, missing: [] }))
}

/** Prompts that one statement reads. */
const batch = 1000

async function suspectUnlisted(
  trx: Db,
  run: Run,
  { label, pass }: { label: string; pass: number },
): Promise<void> {
  let after = ''
  for (let isMore = true; isMore; ) {
    const found = await unlistedHolders(trx, run.look.projectId, { label, pass, after, max: batch })
    await suspect(
      trx,
      run,
      found.map(({ name }) => ({ name, lastUpdatedAt: null, missing: [] })),
    )
    after = found.at(-1)?.indexed ?? ''
    isMore = found.length === batch
  }
}

/** Names that one step compares. */
const namesAtOnce = 500

/** Finds known prompts that the listing was without: some names at a time. `end`: the state after the last of them. */
export async function findGone(
  run: Run,
  current: CurrentLook,
  end: (trx: Db, current: CurrentLook) => Promise<LookState>,
): Ended {
  await run.commit(async (trx) => {
    const { projectId, state } = run.look
    const names = await knownNames(trx, projectId, { after: current.after, max: namesAtOnce })
    const { seen, whole } = await listedAmong(trx, projectId, { names, look: current.number })
    const unseen = names.filter((name) => !seen.has(name)).map((name) => whole.get(name) ?? name)
    const known = await versionsOfAll(trx, projectId, unseen)
    const suspects = [...known]
      .map(([name, versions]) => ({
        name,
        lastUpdatedAt: null,
        missing: missingIn({ versions: [] }, versions),
      }))
      .filter(({ missing }) => missing.length > 0)
    await suspect(trx, run, suspects)
    const gone = current.gone + (await countGone(trx, run, suspects))
    const after = { ...current, gone, after: names.at(-1) ?? '' }
    return names.length === namesAtOnce ? { ...state, current: after } : end(trx, after)
  })
  return null
}
