import { newId } from '../base/id.ts'
import { isObserved } from '../core/change/observed.ts'
import {
  asUpdate,
  type FlatBody,
  hashOf,
  keyOf,
  type PageRequest,
  type PolledPage,
  type Usage,
  usageOf,
} from '../core/polling/rows.ts'
import {
  afterPage,
  begin,
  nextStream,
  overlapMs,
  type PollState,
  pollName,
  recheck,
  type Stream,
  type StreamName,
  streamNames,
  withOld,
} from '../core/polling/state.ts'
import type { ProjectDirectory } from '../core/rules/project-directory.ts'
import type { Rule } from '../core/rules/rules.ts'
import { readObservations } from '../langfuse/api/observations.ts'
import { readProject } from '../langfuse/api/project.ts'
import type { LangfuseApi } from '../langfuse/api/request.ts'
import { readScores } from '../langfuse/api/scores.ts'
import { openPolled } from '../langfuse/opened-event.ts'
import type { Db } from '../store/client.ts'
import type { PolledRow } from '../store/schema.ts'
import { chunksOf } from '../store/statement.ts'
import { insertEvents, parametersOfEvent, storedEvents } from '../store/tables/events.ts'
import {
  addUsage,
  type ClaimedPoll,
  claimPoll,
  dueTimes,
  forgetPolled,
  forgetUsage,
  polledRows,
  savePoll,
  savePolled,
} from '../store/tables/polls.ts'
import { type Arrival, eventRow } from './arrival.ts'
import type { LangfuseAccess } from './langfuse-access.ts'
import { addToBursts, type Bursts, rulesFor } from './settle/bursts.ts'

export interface PollDeps extends LangfuseAccess {
  db: Db
  rules: readonly Rule[]
  now: () => number
  stopping: () => boolean
  directory?: ProjectDirectory
  /** Pause between two polls, once everything has been read; milliseconds. 0: only the project of the keys is read. */
  everyMs: number
  /** How far back it reads after an outage, milliseconds. */
  backfillMs: number
  /** After a burst was reported, milliseconds. */
  coolDownMs: number
  /** How long usage is kept, milliseconds. */
  retentionMs: number
}

/** Longer than any request may take. After this long without a renewal, a worker counts as dead. */
const leaseMs = 60_000
/** After a rate limit without a time. */
const afterErrorMs = 60_000
const dayMs = 24 * 3_600_000

/** How to go on after a step: with this claim, or after a pause. Null: another worker has taken over. */
type PollStep = ClaimedPoll | { restAt: number } | null

/**
 * If it is due, reads what is new in Langfuse, page by page. Each page is stored in one transaction with the position
 * reached, so that a crash neither repeats nor skips anything. Returns when to run next.
 */
export async function poll(deps: PollDeps): Promise<number> {
  const { db, api, now, stopping } = deps
  const name = pollName(api)
  const claimed = await claimPoll(db, name, now(), leaseMs)
  if (!claimed) return (await dueTimes(db, [name], now())).get(name) ?? now()
  const known = await withProject(deps, claimed)
  if ('restAt' in known) return known.restAt
  if (deps.everyMs === 0) return restUntil(deps, known, now() + dayMs)
  let current = known
  const over = new Set<StreamName>()
  for (;;) {
    if (stopping()) return restUntil(deps, current, now())
    const stream = nextStream(current.state, over)
    if (stream === null) return finish(deps, current)
    const step = await readPage(deps, current, stream, over)
    if (step === null) return now() + deps.everyMs
    if ('restAt' in step) return step.restAt
    current = step
  }
}

/** If the claim has been lost, the state is not saved, and need not be. */
async function restUntil({ db }: PollDeps, current: ClaimedPoll, at: number): Promise<number> {
  await savePoll(db, current, at)
  return at
}

async function finish(deps: PollDeps, current: ClaimedPoll): Promise<number> {
  const { db, now, everyMs, retentionMs } = deps
  const marks = streamNames.flatMap((name) => current.state[name].mark ?? [])
  // Twice the window, because clocks differ, and so do the two streams.
  if (marks.length === streamNames.length) await forgetPolled(db, Math.min(...marks) - 2 * overlapMs)
  await forgetUsage(db, new Date(now() - retentionMs - dayMs).toISOString().slice(0, 10))
  return restUntil(deps, current, now() + everyMs)
}

const withSkew = (state: PollState, at: number | null, now: number): PollState =>
  at === null ? state : { ...state, skewMs: at - now }

/** With the project of the keys, unless they belong to another one than the configuration says. */
async function withProject(deps: PollDeps, current: ClaimedPoll): Promise<ClaimedPoll | { restAt: number }> {
  const known = await withProjectId(deps, current)
  if ('restAt' in known) return known
  const { now, project, directory } = deps
  const { projectId } = known.state
  const other = directory?.withId(projectId) ?? null
  const why =
    project.id !== null && project.id !== projectId
      ? `These keys belong to the project ${projectId} in Langfuse, but ${project.called.id} names another`
      : other !== null && other.name !== project.name
        ? `These keys belong to the same project in Langfuse as those of ${other.name}`
        : null
  if (why === null) return known
  const state = { ...known.state, error: { at: now(), message: why } }
  return { restAt: await restUntil(deps, { ...known, state }, now() + Math.max(deps.everyMs, afterErrorMs)) }
}

/** Requested once. The answer also shows how Langfuse's clock differs. */
async function withProjectId(
  deps: PollDeps,
  current: ClaimedPoll,
): Promise<ClaimedPoll | { restAt: number }> {
  const { api, now, draw } = deps
  const { state } = current
  if (state.projectId !== null) return current
  const waitMs = await draw('poll')
  if (waitMs > 0) return { restAt: await restUntil(deps, current, now() + waitMs) }
  const answer = await readProject(api)
  if (!answer.ok) return { restAt: await rest(deps, current, answer) }
  const { projectId, at } = answer
  return { ...current, state: { ...withSkew(state, at, now()), projectId, error: null } }
}

type FailedRead = Extract<PolledPage, { ok: false }>

/** Pauses after an answer that concerns all streams. Returns until when. */
async function rest(
  deps: PollDeps,
  current: ClaimedPoll,
  { status, message, retryAfterMs }: FailedRead,
): Promise<number> {
  const { now, everyMs } = deps
  const restMs = retryAfterMs ?? (status === 429 ? afterErrorMs : everyMs)
  const state = { ...current.state, error: { at: now(), message } }
  // Where nothing is polled, there is no hurry to know the project.
  return restUntil(deps, { ...current, state }, now() + Math.max(restMs, everyMs === 0 ? afterErrorMs : 1000))
}

const read = (
  api: LangfuseApi,
  name: StreamName,
  request: PageRequest,
  projectId: string,
): Promise<PolledPage> =>
  name === 'scores' ? readScores(api, request, projectId) : readObservations(api, request, projectId)

async function readPage(
  deps: PollDeps,
  current: ClaimedPoll,
  name: StreamName,
  over: Set<StreamName>,
): Promise<PollStep> {
  const { db, api, now, draw, backfillMs } = deps
  const waitMs = await draw(
    'poll',
    name === 'observations' && current.state[name].oldSince !== null ? 'legacy' : 'public-api',
  )
  if (waitMs > 0) return { restAt: await restUntil(deps, current, now() + waitMs) }
  const { skewMs, projectId } = current.state
  const stream = begin(recheck(current.state[name], now()), now() + skewMs, backfillMs)
  const begun = { ...current, state: { ...current.state, [name]: stream } }
  // Before the request, so that the lease covers it.
  if (!(await savePoll(db, begun, now() + leaseMs))) return null
  const { slice, oldSince } = stream
  const request = { from: slice.from, to: slice.to, cursor: slice.cursor, old: oldSince !== null }
  const page = await read(api, name, request, projectId ?? '')
  if (!page.ok) return refused(deps, begun, { name, page, over })
  const after = afterPage(stream, page.next, now())
  const state = { ...withSkew(begun.state, page.at, now()), error: null, [name]: after }
  const next = { ...begun, state }
  const isStored = await db.transaction().execute(async (trx) => {
    // First, because it locks the row: a worker that lost the claim stores nothing.
    if (!(await savePoll(trx, next, now() + leaseMs))) return false
    await storePage(trx, page.bodies, deps)
    return true
  })
  if (!isStored) return null
  if (after.slice === null && slice.to === null) over.add(name)
  return next
}

interface FailedPage {
  name: StreamName
  page: FailedRead
  over: Set<StreamName>
}

/**
 * After 404, the other endpoint is tried. A rate limit, wrong keys or no connection concern all streams, so polling
 * pauses; any other error concerns one stream, and must not delay the other.
 */
async function refused(
  deps: PollDeps,
  current: ClaimedPoll,
  { name, page, over }: FailedPage,
): Promise<PollStep> {
  const { now } = deps
  const { status, message } = page
  const error = { at: now(), message }
  const stream: Stream = current.state[name]
  const put = (changed: Partial<Stream>): ClaimedPoll => ({
    ...current,
    state: { ...current.state, [name]: { ...stream, ...changed } },
  })
  if (status === 404 && stream.oldSince === null) return put(withOld(stream, now()))
  if (status === 429 || status === 401 || status === null) return { restAt: await rest(deps, current, page) }
  over.add(name)
  // The cursor is no longer valid: the slice starts again, and rows already read are known.
  const restart = status === 400 && stream.slice ? { slice: { ...stream.slice, cursor: null } } : {}
  const back = status === 404 ? { oldSince: null } : {}
  return put({ error, ...restart, ...back })
}

/** Number of events stored for one burst. */
const maxKept = 100

/** What is new about a row that was read. */
interface News {
  row: PolledRow
  /** Null: no rule matches it, so it is only counted. */
  arrival: Arrival | null
  counted: { usage: Usage; sign: 1 | -1 }[]
}

/**
 * Stores one page in the caller's transaction: new or changed rows are counted, and become events if a rule matches them.
 * Rows that were read before change nothing.
 */
async function storePage(
  trx: Db,
  bodies: FlatBody[],
  { rules, directory, now, coolDownMs }: PollDeps,
): Promise<void> {
  const nameOf = (projectId: string) => directory?.nameOf(projectId) ?? null
  // The page starts with the newest; events are stored in the order they happened.
  const byKey = new Map(bodies.toReversed().map((body) => [keyOf(body), body]))
  const known = await polledRows(trx, [...byKey.keys()])
  const time = now()
  const news = [...byKey].flatMap(
    ([key, body]) => newsOf(key, body, { known: known.get(key), rules, nameOf, now: time }) ?? [],
  )
  await savePolled(
    trx,
    news.map(({ row }) => row),
  )
  const counted = news.flatMap((one) => one.counted)
  const [first] = bodies
  if (first) await addUsage(trx, first.data.projectId, counted)
  const arrivals = news.flatMap(({ arrival }) => arrival ?? [])
  for (const some of chunksOf(arrivals, parametersOfEvent))
    await storeEvents(trx, some, { rules, nameOf, coolDownMs, maxKept }, time)
}

interface KnownRow {
  known: PolledRow | undefined
  rules: readonly Rule[]
  nameOf: (projectId: string) => string | null
  now: number
}

/** Null: nothing is new. */
function newsOf(key: string, body: FlatBody, { known, rules, nameOf, now }: KnownRow): News | null {
  const hash = hashOf(body)
  if (known?.hash === hash) return null
  const usage = usageOf(body)
  const before = known?.usage ? (JSON.parse(known.usage) as Usage) : null
  const arrival = arrivalOf(body, { known, rules, nameOf, now })
  const { event } = arrival ?? {}
  const wasMatched = known?.told === 1 || (event && isObserved(event) && event.action === 'created')
  return {
    row: {
      key,
      at: Date.parse(body.timestamp),
      hash,
      told: wasMatched ? 1 : 0,
      usage: usage && JSON.stringify(usage),
    },
    arrival,
    counted: [
      ...(before ? [{ usage: before, sign: -1 as const }] : []),
      ...(usage ? [{ usage, sign: 1 as const }] : []),
    ],
  }
}

/** The first time a rule matches a row, it counts as created: an error may appear with an update. */
function arrivalOf(body: FlatBody, { known, rules, nameOf, now }: KnownRow): Arrival | null {
  const ifMatched = (one: FlatBody | null): Arrival | null => {
    const opened = one && openPolled(one)
    if (!opened || !isObserved(opened.event) || rulesFor({ rules, nameOf }, opened.event).length === 0)
      return null
    const came = { source: 'langfuse-api', receivedAt: now, headers: '{}', test: false } as const
    return { ...opened, ...came, signature: '', secretHint: '' }
  }
  return (known?.told === 1 ? null : ifMatched(body)) ?? (known ? ifMatched(asUpdate(body)) : null)
}

async function storeEvents(trx: Db, arrivals: Arrival[], bursts: Bursts, now: number): Promise<void> {
  // The webhook endpoint may have stored the same events.
  const dedupeKeys = arrivals.map(({ dedupeKey }) => dedupeKey)
  const { events: stored } = await storedEvents(trx, { dedupeKeys, twinKeys: [] })
  const fresh = arrivals.filter(({ dedupeKey }) => !stored.has(dedupeKey))
  const changes = await addToBursts(trx, fresh, bursts, now)
  const rows = [...changes].map(([arrival, changeId]) =>
    eventRow(arrival, { id: newId('evt', now), changeId }),
  )
  if (rows.length > 0) await insertEvents(trx, rows)
}
