import { wholeDuration } from '#lib/base/duration.ts'

const twoMonthsMs = 60 * 24 * 3_600_000

/** `2026-08-21 09:14:07 UTC`. */
export const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** `just now`, `4 min ago`, `in 3 h`; a date when it is two months away. Epoch milliseconds. */
export function relative(at: number, now: number): string {
  const distance = now - at
  if (Math.abs(distance) < 1000) return 'just now'
  if (Math.abs(distance) >= twoMonthsMs) return new Date(at).toISOString().slice(0, 10)
  const words = wholeDuration(Math.abs(distance))
  return distance > 0 ? `${words} ago` : `in ${words}`
}

/** `412 B`, `1.5 KB`, `200 KB`, `4.5 MB`; 1 KB is 1,024 bytes. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  const [value, unit] = size < 1024 * 1024 ? [size / 1024, 'KB'] : [size / 1024 / 1024, 'MB']
  return `${value < 10 ? value.toFixed(1).replace('.0', '') : Math.round(value)} ${unit}`
}

/** `1,204`; `1,000+` if counting stopped. */
export const numberWords = (count: number, isMore = false): string =>
  `${count.toLocaleString('en')}${isMore ? '+' : ''}`

/** `1 change`, `1,204 changes`; `1,000+ changes` if counting stopped. */
export const countWords = (
  count: number,
  one: string,
  { many = `${one}s`, isMore = false }: { many?: string; isMore?: boolean } = {},
): string => `${numberWords(count, isMore)} ${count === 1 ? one : many}`
