/**
 * Why a callback is accepted: it showed the token; it came from a browser page of an allowed origin, and Langfuse's API
 * confirms its ids before anyone is notified; or the operator accepts whatever comes.
 */
export type CallbackAccess = 'token' | 'page' | 'open'

/** How many items of one kind may come within a time. Counted in the store, since each request may meet another instance. */
export interface CallbackLimit {
  key: string
  withinMs: number
  max: number
  /** How many of them this request has. */
  count: number
  /** What to say when there are more. */
  message: string
}

interface Counted {
  access: CallbackAccess
  canConfirm: boolean
  address: string
  /** What makes each item one. */
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
/** Each of these is a message and stays for `RETENTION_DAYS`; of those that can be confirmed, the made-up ones do not. */
const maxOfStrangersInDay = 2000

/** The name under which an item is known: apart for strangers, so that they cannot use up or swallow Langfuse's own. */
export const itemKey = (access: CallbackAccess, key: string): string =>
  `${access === 'token' ? 'token' : 'stranger'} item ${key}`

const itemLimit = (access: CallbackAccess, key: string): CallbackLimit => ({
  key: itemKey(access, key),
  withinMs: 10 * minuteMs,
  max: maxOfItem,
  count: 1,
  message: `The same item more than ${maxOfItem} times in 10 minutes`,
})

/** All that a request is held to, the widest first. Whoever shows the token has a share of its own. */
export function callbackLimits({ access, canConfirm, address, keys }: Counted): CallbackLimit[] {
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
    message: `More than ${maxOfStrangersInDay.toLocaleString('en')} items in a day that nothing confirms`,
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
