import { randomBytes } from 'node:crypto'

type Prefix = 'evt' | 'chg' | 'dlv' | 'rej' | 'log' | 'rpl'

let counter = 0

/**
 * Sorts by time, and within one process by creation: prefix, 11 hex digits of epoch milliseconds (until the year
 * 2527), 4 of a counter, 14 random ones.
 */
export function newId(prefix: Prefix, now: number): string {
  counter = (counter + 1) % 0x10000
  return `${firstIdAt(prefix, now)}${counter.toString(16).padStart(4, '0')}${randomBytes(7).toString('hex')}`
}

/** Sorts before every id of this time (epoch milliseconds), and after every earlier one. */
export const firstIdAt = (prefix: Prefix, time: number): string =>
  `${prefix}_${Math.max(0, Math.floor(time)).toString(16).padStart(11, '0')}`

/** What may be a change's id, as it comes from an address or a browser. */
export const changeIdForm = /^chg_[0-9a-z]{1,60}$/
