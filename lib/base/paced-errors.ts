import { RecentMap } from './recent-map.ts'

const everyMs = 60_000
/** Different errors that are kept in mind. */
const maxKept = 100

/**
 * Passes an error on at most once a minute for as long as it says the same: work that is tried again each second would fill
 * the log, and so the disk, which may be what it fails at. `repeated`: how often it came since it was last passed on.
 */
export function pacedErrors(
  write: (error: unknown, repeated: number) => void,
  now: () => number,
): (error: unknown) => void {
  const seen = new RecentMap<string, { at: number; repeated: number }>(maxKept)
  return (error) => {
    const text = String(error)
    const time = now()
    const known = seen.get(text)
    // A clock that was set back must not silence it.
    if (known && time >= known.at && time - known.at < everyMs) {
      known.repeated++
      return
    }
    seen.set(text, { at: time, repeated: 0 })
    write(error, known?.repeated ?? 0)
  }
}
