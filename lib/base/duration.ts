const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Below the first, in units of the second. */
const units: [below: number, unit: number, name: string][] = [
  [minute, 1000, 's'],
  [hour, minute, 'min'],
  [2 * day, hour, 'h'],
  [Number.POSITIVE_INFINITY, day, 'd'],
]

/** `12 s`, `2 min`, `47 h`, `9 d`; rounded down. */
export function wholeDuration(ms: number): string {
  const [, unit, name] = units.find(([below]) => ms < below) ?? [0, day, 'd']
  return `${Math.floor(ms / unit)} ${name}`
}

/** `84 ms`, `1.2 s`, `12 s`, `2 min`: how long a request took. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(Math.round(ms / 100) / 10).toFixed(1)} s` : wholeDuration(ms)
}

/** `42 min`, `3 h 5 min`, `2 d 4 h`, `less than a minute`: how long a state lasted. */
export function longDuration(ms: number): string {
  const minutes = Math.floor(ms / minute)
  if (minutes < 1) return 'less than a minute'
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60]
  const parts =
    days > 0 ? [[days, 'd'] as const, [hours, 'h'] as const] : [[hours, 'h'] as const, [rest, 'min'] as const]
  return parts.flatMap(([count, unit]) => (count > 0 ? [`${count} ${unit}`] : [])).join(' ')
}

/** `1 minute`, `5 minutes`, `3 hours`, `2 days`: in a sentence; rounded up. */
export function spelledDuration(ms: number): string {
  const minutes = Math.ceil(ms / minute)
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`
  const hours = Math.ceil(ms / hour)
  return hours < 48 ? `${hours} hours` : `${Math.ceil(hours / 24)} days`
}
