import { unconfirmedIds, unnamed } from '../core/change/describe-callback.ts'
import type { CallbackItem } from '../langfuse/callback.ts'
import { subjectOf } from '../langfuse/keys.ts'
import { type EventSource, unconfirmed } from '../langfuse/stored.ts'
import type { Db } from '../store/client.ts'
import type { CallbackPaceRow } from '../store/schema.ts'
import { countCallbacks, forgetCallbackPace, paceOf, takeItems } from '../store/tables/callback-pace.ts'
import type { Arrival } from './arrival.ts'
import type { CallbackAccess } from './callback-limits.ts'
import { type CallbackLimit, callbackLimits, itemKey } from './callback-limits.ts'
import { storeArrivals } from './receive.ts'

/** One request of the callback endpoint, let in. */
export interface CallbackCall {
  items: CallbackItem[]
  access: CallbackAccess
  /** Langfuse's API is asked for the ids before anyone is notified. */
  canConfirm: boolean
  /** Who counts as one sender. */
  address: string
  /** JSON of those worth keeping. */
  headers: string
  /** The last four characters of the token that it showed; empty: none. */
  tokenHint: string
}

type Refused = { ok: false; retryAfterMs: number; message: string }
export type Taken = { ok: true; stored: number; repeated: number } | Refused

export type TakeCallbacks = (call: CallbackCall) => Promise<Taken>

const source: EventSource = 'langfuse-callback'

/** The same item within this time is the same press of a button. */
const repeatMs = 10_000
const forgetEveryMs = 60_000

/** Ends a transaction without a trace. */
const undone = Symbol('undone')

/**
 * Takes callbacks: looks at their limits, and where they allow it stores each item that did not come within the last 10 s
 * as an event of its own. Resolves when the commit is done, or with how long to wait where too many came: then nothing was written, so that
 * a flood leaves nothing behind. Throws when the store is out of reach.
 */
export function callbackTaker(db: Db, now: () => number): TakeCallbacks {
  let forgotAt = 0
  return async (call) => {
    const time = now()
    const limits = callbackLimits({ ...call, keys: call.items.map(({ key }) => key) })
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
    // Others may have come since the first look.
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

/** The first limit that is over with what this request adds to these counts. */
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

/** What strangers write is not to reach a message before it is confirmed, and without API keys nobody confirms it. */
function shownOf(
  { event }: CallbackItem,
  { access, canConfirm }: CallbackCall,
): Pick<Arrival, 'projectId' | 'subject'> {
  if (access === 'token' || canConfirm) return { projectId: event.projectId, subject: subjectOf(event, {}) }
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
    signature: call.access === 'open' && !call.canConfirm ? unconfirmed : call.access,
    secretHint: call.tokenHint,
    body,
    test: false,
  }
}
