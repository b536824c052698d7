const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const spans: [number, number, string][] = [
  [minute, 1000, 's'],
  [hour, minute, 'min'],
  [2 * day, hour, 'h'],
  [60 * day, day, 'd'],
]

function span(ms: number): string | null {
  const fitting = spans.find(([below]) => ms < below)
  return fitting ? `${Math.floor(ms / fitting[1])} ${fitting[2]}` : null
}

/** `2026-08-21 09:14:07 UTC`. */
export const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** `just now`, `4 min ago`, `in 3 h`; a date where it is two months away. Epoch milliseconds. */
export function relative(at: number, now: number): string {
  const distance = now - at
  if (Math.abs(distance) < 1000) return 'just now'
  const words = span(Math.abs(distance))
  if (words === null) return new Date(at).toISOString().slice(0, 10)
  return distance > 0 ? `${words} ago` : `in ${words}`
}

/** `84 ms`, `1.2 s`, `12 s`, `2 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(Math.round(ms / 100) / 10).toFixed(1)} s`
  return span(ms) ?? `${Math.round(ms / day)} d`
}

/** `412 B`, `1.5 KB`, `200 KB`, `4.5 MB`; 1 KB is 1,024 bytes. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  const [value, unit] = size < 1024 * 1024 ? [size / 1024, 'KB'] : [size / 1024 / 1024, 'MB']
  return `${value < 10 ? value.toFixed(1).replace('.0', '') : Math.round(value)} ${unit}`
}

/** `999`, `1,000+` where counting ended. */
export const counted = (count: number, max: number): string =>
  count >= max ? `${(max - 1).toLocaleString('en')}+` : count.toLocaleString('en')
