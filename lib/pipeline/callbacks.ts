import { unconfirmedIds, unnamed } from '../core/change/describe-callback.ts'
import type { CallbackItem } from '../langfuse/callback.ts'
import { subjectOf } from '../langfuse/opened-event.ts'
import { type EventSource, unconfirmed } from '../langfuse/stored-event.ts'
import type { Db } from '../store/client.ts'
import type { CallbackPaceRow } from '../store/schema.ts'
import { countCallbacks, forgetCallbackPace, paceOf, takeItems } from '../store/tables/callback-pace.ts'
import type { Arrival } from './arrival.ts'
import { storeArrivals } from './receive.ts'

/**
 * Why a callback is accepted: it has the token; it comes from a page of an allowed origin, and Langfuse's API confirms its
 * ids before anyone is notified; or the operator accepts callbacks from anyone.
 */
export type CallbackAccess = 'token' | 'page' | 'open'

/** An accepted request of the callback endpoint. */
export interface CallbackCall {
  items: CallbackItem[]
  access: CallbackAccess
  /** Whether Langfuse's API confirms ids of this project before anyone is notified: it has keys. */
  canConfirm: (projectId: string) => boolean
  /** What counts as one sender. */
  address: string
  /** The headers worth keeping, as JSON. */
  headers: string
  /** The last four characters of its token; empty: it has none. */
  tokenHint: string
}

type Refused = { ok: false; retryAfterMs: number; message: string }
export type Taken = { ok: true; stored: number; repeated: number } | Refused

export type TakeCallbacks = (call: CallbackCall) => Promise<Taken>

const source: EventSource = 'langfuse-callback'

/** The same item within this time is the same press of a button. */
const repeatMs = 10_000
const forgetEveryMs = 60_000

/** Thrown to roll a transaction back. */
const undone = Symbol('undone')

/**
 * Stores callbacks within their limits: each item that did not arrive within the last 10 s becomes an event. Resolves after
 * the commit, or with how long to wait if there were too many; then nothing was written, so that a flood leaves nothing
 * behind. Throws if the store is out of reach.
 */
export function callbackTaker(db: Db, now: () => number): TakeCallbacks {
  let forgotAt = 0
  return async (call) => {
    const time = now()
    const limits = callbackLimits({
      ...call,
      keys: call.items.map(({ key }) => key),
      canConfirm: call.items.every(({ event }) => call.canConfirm(event.projectId)),
    })
    const before = await paceOf(
      db,
      limits.map(({ key }) => key),
      time,
    )
    const refused = overLimit(limits, before, time)
    if (refused) return refused
    const isForgetting = Math.abs(time - forgotAt) >= forgetEveryMs
    if (isForgetting) forgotAt = time
    return store(db, call, { limits, time, isForgetting })
  }
}

interface Storing {
  limits: CallbackLimit[]
  time: number
  isForgetting: boolean
}

async function store(db: Db, call: CallbackCall, { limits, time, isForgetting }: Storing): Promise<Taken> {
  let refused: Refused | null = null
  const stored = db.transaction().execute(async (trx): Promise<Taken> => {
    const rows = limits.map(({ key, withinMs, count }) => ({ key, until: time + withinMs, count }))
    const counted = await countCallbacks(trx, rows, time)
    // Others may have arrived since the first check.
    refused = overLimit(
      limits.map((limit) => ({ ...limit, count: 0 })),
      counted,
      time,
    )
    if (refused) throw undone
    if (isForgetting) await forgetCallbackPace(trx, time)
    const { items, access } = call
    const keyOf = ({ key }: CallbackItem): string => itemKey(access, key)
    const taken = await takeItems(trx, items.map(keyOf), time - repeatMs, time)
    const fresh = items.filter((item) => taken.has(keyOf(item)))
    const arrivals = fresh.map((item) => itemArrival(item, call, time))
    if (arrivals.length > 0) await storeArrivals(trx, arrivals, { settleMs: 0, now: () => time })
    return { ok: true, stored: fresh.length, repeated: items.length - fresh.length }
  })
  return stored.catch((error) => {
    if (error === undone && refused) return refused
    throw error
  })
}

/** The first limit that this request exceeds, on top of these counts. */
function overLimit(
  limits: readonly CallbackLimit[],
  rows: readonly Pick<CallbackPaceRow, 'key' | 'until' | 'count'>[],
  now: number,
): Refused | null {
  const known = new Map(rows.map((row) => [row.key, row]))
  const over = limits.find(({ key, max, count }) => (known.get(key)?.count ?? 0) + count > max)
  if (!over) return null
  const until = known.get(over.key)?.until ?? now + over.withinMs
  return { ok: false, retryAfterMs: until - now, message: over.message }
}

/** Text from strangers must not reach a message unconfirmed, and without API keys nothing confirms it. */
function shownOf(
  { event }: CallbackItem,
  { access, canConfirm }: CallbackCall,
): Pick<Arrival, 'projectId' | 'subject'> {
  if (access === 'token' || canConfirm(event.projectId))
    return { projectId: event.projectId, subject: subjectOf(event, {}) }
  const { projectId, ...ids } = unconfirmedIds(event)
  return { projectId, subject: subjectOf({ ...event, ...ids }, {}) || unnamed(event) }
}

function itemArrival(item: CallbackItem, call: CallbackCall, now: number): Arrival {
  const { event, key, body } = item
  return {
    event,
    source,
    dedupeKey: `callback:${call.access === 'token' ? '' : 'stranger:'}${key}:${now}`,
    twinKey: null,
    ...shownOf(item, call),
    occurredAt: now,
    receivedAt: now,
    headers: call.headers,
    signature: call.access === 'open' && !call.canConfirm(event.projectId) ? unconfirmed : call.access,
    secretHint: call.tokenHint,
    body,
    test: false,
  }
}

/** How many items of one kind may arrive within a time. Counted in the store, because instances share the limit. */
interface CallbackLimit {
  key: string
  withinMs: number
  max: number
  /** How many this request has. */
  count: number
  /** The answer when there are more. */
  message: string
}

interface Counted {
  access: CallbackAccess
  /** All items are confirmed. */
  canConfirm: boolean
  address: string
  /** One for each item; the same for the same item. */
  keys: readonly string[]
}

const minuteMs = 60_000
const dayMs = 24 * 3_600_000
const maxOfItem = 10
/** Langfuse itself sends at most 60 a minute to one endpoint. */
const maxWithToken = 240
/** One browser request has up to 100 items. Each costs a request to Langfuse's API, a row, and maybe a message. */
const maxOfAddress = 100
const maxOfStrangers = 120
/** Without confirmation, each is a message and is kept for `RETENTION_DAYS`. */
const maxOfStrangersInDay = 2000

/** The key of an item. Strangers have their own, so that they cannot use up or suppress Langfuse's items. */
const itemKey = (access: CallbackAccess, key: string): string =>
  `${access === 'token' ? 'token' : 'stranger'} item ${key}`

const itemLimit = (access: CallbackAccess, key: string): CallbackLimit => ({
  key: itemKey(access, key),
  withinMs: 10 * minuteMs,
  max: maxOfItem,
  count: 1,
  message: `The same item more than ${maxOfItem} times in 10 minutes`,
})

/** All limits of a request, the widest first. Requests with the token have a limit of their own. */
function callbackLimits({ access, canConfirm, address, keys }: Counted): CallbackLimit[] {
  const count = keys.length
  const items = keys.map((key) => itemLimit(access, key))
  if (access === 'token') {
    const message = `More than ${maxWithToken} items in a minute`
    return [{ key: 'token', withinMs: minuteMs, max: maxWithToken, count, message }, ...items]
  }
  const inDay: CallbackLimit = {
    key: 'stranger day',
    withinMs: dayMs,
    max: maxOfStrangersInDay,
    count,
    message: `More than ${maxOfStrangersInDay.toLocaleString('en')} unconfirmed items in a day`,
  }
  return [
    ...(canConfirm ? [] : [inDay]),
    {
      key: 'stranger',
      withinMs: minuteMs,
      max: maxOfStrangers,
      count,
      message: `More than ${maxOfStrangers} items in a minute without a token`,
    },
    {
      key: `stranger address ${address}`,
      withinMs: minuteMs,
      max: maxOfAddress,
      count,
      message: `More than ${maxOfAddress} items in a minute from one address`,
    },
    ...items,
  ]
}
