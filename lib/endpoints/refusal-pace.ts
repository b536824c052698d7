const minuteMs = 60_000
const maxAMinute = 30

/**
 * Whether a refusal is recorded, as a row and a line of the log: 30 a minute of each reason are. Anyone can cause them, and more
 * would say nothing new, fill the log, and push other refusals out of the store. `reason`: one of a few of ours.
 */
export function refusalPace(now: () => number): (reason: string) => boolean {
  const minutes = new Map<string, { from: number; count: number }>()
  return (reason) => {
    const time = now()
    const known = minutes.get(reason)
    const isCurrent = known !== undefined && time >= known.from && time - known.from < minuteMs
    const minute = isCurrent ? known : { from: time, count: 0 }
    minute.count += 1
    minutes.set(reason, minute)
    return minute.count <= maxAMinute
  }
}
