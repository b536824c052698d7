import { countCallbacks, takeItems } from './db/callback-pace.ts'
import type { Db } from './db/client.ts'
import { type Arrival, storeArrivals } from './receive.ts'
import type { CallbackItem } from './sources/langfuse-callback.ts'
import { subjectOf } from './sources/langfuse-keys.ts'
import type { EventSource } from './sources/stored-body.ts'

/** One request of the callback door, let in. */
export interface CallbackCall {
  items: CallbackItem[]
  /** Who counts as one sender. */
  address: string
  /** JSON of those worth keeping. */
  headers: string
  /** The last four characters of the token that came with it; empty: none is asked for. */
  tokenHint: string
}

export type Taken =
  | { ok: true; stored: number; repeated: number }
  | { ok: false; retryAfterMs: number; message: string }

export type TakeCallbacks = (call: CallbackCall) => Promise<Taken>

const source: EventSource = 'langfuse-callback'

/** The same item within this time is the same press of a button. */
const repeatMs = 10_000

/**
 * Langfuse itself sends at most 60 a minute to one endpoint. Each item can cost a request to its API and a message to
 * each target, so that what a person can press is enough. In the store, because on Vercel every request may meet
 * another instance.
 */
const minuteMs = 60_000
const mostFromAddress = 120
const mostInAll = 240
const itemMs = 10 * 60_000
const mostOfItem = 10

const itemKey = ({ key }: CallbackItem): string => `item ${key}`

/**
 * Takes callbacks: counts them, then stores each item that did not come within the last 10 s as an event of its own.
 * Resolves when the commit is done, or with how long to wait where too many came. Throws when the store is out of reach.
 */
export function callbackTaker(db: Db, now: () => number): TakeCallbacks {
  return async (call) => {
    const limit = await overLimit(db, call, now())
    if (limit) return limit
    const { items } = call
    return db.transaction().execute(async (trx) => {
      const time = now()
      const taken = await takeItems(trx, items.map(itemKey), time - repeatMs, time)
      const fresh = items.filter((item) => taken.has(itemKey(item)))
      const arrivals = fresh.map((item) => arrivalOf(item, call, time))
      if (arrivals.length > 0) await storeArrivals(trx, arrivals, { settleMs: 0, now: () => time })
      return { ok: true, stored: fresh.length, repeated: items.length - fresh.length }
    })
  }
}

async function overLimit(
  db: Db,
  { items, address }: CallbackCall,
  now: number,
): Promise<Exclude<Taken, { ok: true }> | null> {
  const counted = (key: string, ms: number, count: number) => ({ key, until: now + ms, count })
  const rows = await countCallbacks(
    db,
    [
      counted(`address ${address}`, minuteMs, items.length),
      counted('all', minuteMs, items.length),
      ...items.map((item) => counted(itemKey(item), itemMs, 1)),
    ],
    now,
  )
  const over = rows.find(({ key, count }) => count > mostOf(key))
  if (!over) return null
  return { ok: false, retryAfterMs: over.until - now, message: messageOf(over.key) }
}

function mostOf(key: string): number {
  if (key === 'all') return mostInAll
  return key.startsWith('item ') ? mostOfItem : mostFromAddress
}

function messageOf(key: string): string {
  if (key === 'all') return `More than ${mostInAll} items in a minute`
  if (key.startsWith('item ')) return `The same item more than ${mostOfItem} times in 10 minutes`
  return `More than ${mostFromAddress} items in a minute from one address`
}

function arrivalOf({ event, key, body }: CallbackItem, call: CallbackCall, now: number): Arrival {
  return {
    source,
    dedupe_key: `callback:${key}:${now}`,
    twin_key: null,
    type: event.type,
    action: null,
    project_id: event.projectId,
    subject: subjectOf(event, {}),
    version: null,
    occurred_at: now,
    received_at: now,
    headers: call.headers,
    signature: call.tokenHint === '' ? '' : 'token',
    secret_hint: call.tokenHint,
    size: body.byteLength,
    body,
    test: false,
  }
}
