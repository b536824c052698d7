import { newId } from '../base/id.ts'
import { isObserved } from '../core/change/observed.ts'
import type { DrawRequest } from '../core/polling/request-budget.ts'
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
  forgetPolled,
  forgetUsage,
  pollAt,
  polledRows,
  savePoll,
  savePolled,
} from '../store/tables/polls.ts'
import { type Arrival, eventRow } from './arrival.ts'
import { addToBursts, type Bursts, rulesFor } from './settle/bursts.ts'

export interface PollDeps {
  db: Db
  api: LangfuseApi
  rules: readonly Rule[]
  now: () => number
  stopping: () => boolean
  /** Between two polls that have read all, milliseconds. */
  everyMs: number
  /** How far back an outage is caught up with, milliseconds. */
  backfillMs: number
  /** The budget of requests, which is shared with what people ask for. */
  draw: DrawRequest
  /** Of bursts, milliseconds. */
  coolDownMs: number
  /** How long usage is kept, milliseconds. */
  retentionMs: number
}

/** Longer than any request may take; a worker that says nothing for so long is taken for dead. */
const leaseMs = 60_000
/** After a rate limit that names no time. */
const afterErrorMs = 60_000
const dayMs = 24 * 3_600_000

/** What a step leaves behind: go on, or rest until then. `null`: another worker has taken over. */
type Step = ClaimedPoll | { restAt: number } | null

/**
 * Reads what is new in Langfuse, page by page, where it is due: each page is stored in one transaction with the note
 * of how far it is, so that a crash repeats nothing and skips nothing. Gives when it wants to run next.
 */
export async function poll(deps: PollDeps): Promise<number> {
  const { db, api, now, stopping } = deps
  const name = pollName(api)
  const claimed = await claimPoll(db, name, now(), leaseMs)
  if (!claimed) return (await pollAt(db, name, now())) ?? now()
  const known = await withProject(deps, claimed)
  if ('restAt' in known) return known.restAt
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

/** Nothing to add to the state, or it is worth nothing: the claim is another's by now. */
async function restUntil({ db }: PollDeps, current: ClaimedPoll, at: number): Promise<number> {
  await savePoll(db, current, at)
  return at
}

async function finish(deps: PollDeps, current: ClaimedPoll): Promise<number> {
  const { db, now, everyMs, retentionMs } = deps
  const marks = streamNames.flatMap((name) => current.state[name].mark ?? [])
  // Twice the window, since both clocks and the two streams differ.
  if (marks.length === streamNames.length) await forgetPolled(db, Math.min(...marks) - 2 * overlapMs)
  await forgetUsage(db, new Date(now() - retentionMs - dayMs).toISOString().slice(0, 10))
  return restUntil(deps, current, now() + everyMs)
}

const withSkew = (state: PollState, at: number | null, now: number): PollState =>
  at === null ? state : { ...state, skewMs: at - now }

/** The project of the keys, which is asked for once; its answer also tells how Langfuse's clock goes. */
async function withProject(deps: PollDeps, current: ClaimedPoll): Promise<ClaimedPoll | { restAt: number }> {
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

type Failed = Extract<PolledPage, { ok: false }>

/** Until Langfuse may be asked again, after an answer that holds for everything. */
async function rest(
  deps: PollDeps,
  current: ClaimedPoll,
  { status, message, retryAfterMs }: Failed,
): Promise<number> {
  const { now, everyMs } = deps
  const restMs = retryAfterMs ?? (status === 429 ? afterErrorMs : everyMs)
  const state = { ...current.state, error: { at: now(), message } }
  return restUntil(deps, { ...current, state }, now() + Math.max(restMs, 1000))
}

const read = (
  api: LangfuseApi,
  name: StreamName,
  wanted: PageRequest,
  projectId: string,
): Promise<PolledPage> =>
  name === 'scores' ? readScores(api, wanted, projectId) : readObservations(api, wanted, projectId)

async function readPage(
  deps: PollDeps,
  current: ClaimedPoll,
  name: StreamName,
  over: Set<StreamName>,
): Promise<Step> {
  const { db, api, now, draw, backfillMs } = deps
  const waitMs = await draw('poll')
  if (waitMs > 0) return { restAt: await restUntil(deps, current, now() + waitMs) }
  const { skewMs, projectId } = current.state
  const stream = begin(recheck(current.state[name], now()), now() + skewMs, backfillMs)
  const begun = { ...current, state: { ...current.state, [name]: stream } }
  // Before the request, so that the lease covers it.
  if (!(await savePoll(db, begun, now() + leaseMs))) return null
  const { slice, oldSince } = stream
  const wanted = { from: slice.from, to: slice.to, cursor: slice.cursor, old: oldSince !== null }
  const page = await read(api, name, wanted, projectId ?? '')
  if (!page.ok) return refused(deps, begun, { name, page, over })
  const after = afterPage(stream, page.next, now())
  const state = { ...withSkew(begun.state, page.at, now()), error: null, [name]: after }
  const next = { ...begun, state }
  const isStored = await db.transaction().execute(async (trx) => {
    // First, because it locks the row: who lost the claim stores nothing.
    if (!(await savePoll(trx, next, now() + leaseMs))) return false
    await storePage(trx, page.bodies, deps)
    return true
  })
  if (!isStored) return null
  if (after.slice === null && slice.to === null) over.add(name)
  return next
}

interface Refused {
  name: StreamName
  page: Failed
  over: Set<StreamName>
}

/**
 * 404: the other endpoint. A rate limit, wrong keys and no connection hold for all streams, so it rests; anything
 * else is one stream's trouble, which must not hold up the other.
 */
async function refused(deps: PollDeps, current: ClaimedPoll, { name, page, over }: Refused): Promise<Step> {
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
  // A cursor that is not taken any more: the slice begins anew, and what was read of it is known.
  const restart = status === 400 && stream.slice ? { slice: { ...stream.slice, cursor: null } } : {}
  const back = status === 404 ? { oldSince: null } : {}
  return put({ error, ...restart, ...back })
}

/** Events that are kept of one burst. */
const maxKept = 100

/** What is new about one row that was read. */
interface News {
  row: PolledRow
  /** Null: no rule wants it, so that it is only counted. */
  arrival: Arrival | null
  counted: { usage: Usage; sign: 1 | -1 }[]
}

/**
 * Stores one page in the caller's transaction: what is new or changed is counted, and becomes an event where a rule
 * wants it. What was read before changes nothing.
 */
async function storePage(trx: Db, bodies: FlatBody[], { rules, now, coolDownMs }: PollDeps): Promise<void> {
  // The page has the newest first; events are stored in the order in which they happened.
  const byKey = new Map(bodies.toReversed().map((body) => [keyOf(body), body]))
  const known = await polledRows(trx, [...byKey.keys()])
  const time = now()
  const news = [...byKey].flatMap(
    ([key, body]) => newsOf(key, body, { known: known.get(key), rules, now: time }) ?? [],
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
    await storeEvents(trx, some, { rules, coolDownMs, maxKept }, time)
}

interface Row {
  known: PolledRow | undefined
  rules: readonly Rule[]
  now: number
}

/** Null: nothing. */
function newsOf(key: string, body: FlatBody, { known, rules, now }: Row): News | null {
  const hash = hashOf(body)
  if (known?.hash === hash) return null
  const usage = usageOf(body)
  const before = known?.usage ? (JSON.parse(known.usage) as Usage) : null
  const arrival = arrivalOf(body, { known, rules, now })
  const { event } = arrival ?? {}
  const isKnownToRules = known?.told === 1 || (event && isObserved(event) && event.action === 'created')
  return {
    row: {
      key,
      at: Date.parse(body.timestamp),
      hash,
      told: isKnownToRules ? 1 : 0,
      usage: usage && JSON.stringify(usage),
    },
    arrival,
    counted: [
      ...(before ? [{ usage: before, sign: -1 as const }] : []),
      ...(usage ? [{ usage, sign: 1 as const }] : []),
    ],
  }
}

/** A row that no rule wanted before counts as created when one does: an error may come with an update. */
function arrivalOf(body: FlatBody, { known, rules, now }: Row): Arrival | null {
  const ifWanted = (one: FlatBody | null): Arrival | null => {
    const opened = one && openPolled(one)
    if (!opened || !isObserved(opened.event) || rulesFor(rules, opened.event).length === 0) return null
    const came = { source: 'langfuse-api', receivedAt: now, headers: '{}', test: false } as const
    return { ...opened, ...came, signature: '', secretHint: '' }
  }
  return (known?.told === 1 ? null : ifWanted(body)) ?? (known ? ifWanted(asUpdate(body)) : null)
}

async function storeEvents(trx: Db, arrivals: Arrival[], bursts: Bursts, now: number): Promise<void> {
  // The webhook endpoint may have taken the same.
  const dedupeKeys = arrivals.map(({ dedupeKey }) => dedupeKey)
  const { events: stored } = await storedEvents(trx, { dedupeKeys, twinKeys: [] })
  const fresh = arrivals.filter(({ dedupeKey }) => !stored.has(dedupeKey))
  const changes = await addToBursts(trx, fresh, bursts, now)
  const rows = [...changes].map(([arrival, changeId]) =>
    eventRow(arrival, { id: newId('evt', now), changeId }),
  )
  if (rows.length > 0) await insertEvents(trx, rows)
}
