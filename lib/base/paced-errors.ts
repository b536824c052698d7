import { RecentMap } from './recent-map.ts'

const everyMs = 60_000
/** Different errors that are remembered. */
const maxKept = 100

/**
 * Passes the same error on at most once a minute. Work that is retried every second would otherwise fill the log, and with
 * it the disk, which may be why it fails. `repeated`: how often the error came since it was last passed on.
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
    // A clock that was set back must not silence an error.
    if (known && time >= known.at && time - known.at < everyMs) {
      known.repeated++
      return
    }
    seen.set(text, { at: time, repeated: 0 })
    write(error, known?.repeated ?? 0)
  }
}
