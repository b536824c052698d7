import { randomBytes } from 'node:crypto'

let counter = 0

/**
 * Sorts by time, and within one process by making: prefix, 11 hex digits of epoch milliseconds (until the year
 * 2527), 4 of a counter, 14 random ones.
 */
export function newId(prefix: 'evt' | 'chg' | 'dlv' | 'rej' | 'log' | 'rpl', now: number): string {
  counter = (counter + 1) % 0x10000
  const time = now.toString(16).padStart(11, '0')
  return `${prefix}_${time}${counter.toString(16).padStart(4, '0')}${randomBytes(7).toString('hex')}`
}
