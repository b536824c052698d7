/**
 * Runs work that returns when it is to run next. Never twice at once: a wake-up during a run causes one more run, so that
 * nothing that arrived meanwhile is left waiting.
 */
export interface Pump {
  /** Runs now, or again as soon as the current run ends. */
  wake: () => void
  /** Runs at this time (epoch milliseconds) at the latest. */
  wakeAt: (at: number) => void
  /** The time of the next run, if it is known. */
  nextAt: () => number | null
  isRunning: () => boolean
  /** Resolves when no run is under way. */
  idle: () => Promise<void>
  /** Prevents further runs; resolves when the current one has ended. */
  stop: () => Promise<void>
}

/**
 * The longest wait of one timer. Timers run on a monotonic clock, while due times come from a clock that may be set: after
 * a step of that clock, work is late by at most this, and not by the length of the step.
 */
const longestTimer = 30_000
/**
 * What two runs in a row leave due is locked by another instance, for as long as its transaction takes, or for 20 s if it
 * died in one. Retrying at once would keep the store busy until then.
 */
const heldMs = 250

export function createPump(
  /** Resolves to the time of the next run, or null for "when woken". */
  work: () => Promise<number | null>,
  onError: (error: unknown) => number | null,
  now: () => number,
): Pump {
  let running: Promise<void> | null = null
  let again = false
  let stopped = false
  let timer: { at: number; handle: NodeJS.Timeout } | null = null
  /** What the last run left due. */
  let left: number | null = null

  async function run(): Promise<void> {
    do {
      again = false
      // The run looks at everything that is due, so what was known before is out of date.
      if (timer) clearTimeout(timer.handle)
      timer = null
      const next = await work().catch(onError)
      if (next !== null) wakeAt(next === left && next <= now() ? now() + heldMs : next)
      left = next
    } while (again && !stopped)
    running = null
  }

  function wake(): void {
    if (stopped) return
    if (running) again = true
    else running = run()
  }

  function wakeAt(at: number): void {
    if (stopped || (timer && timer.at <= at)) return
    if (timer) clearTimeout(timer.handle)
    timer = { at, handle: startTimer(at, at - now()) }
  }

  /** `left`: milliseconds until then, as known before the clock may have been set. */
  function startTimer(at: number, left: number): NodeJS.Timeout {
    const delay = Math.min(Math.max(Math.min(left, at - now()), 0), longestTimer)
    return setTimeout(() => {
      const rest = left - delay
      if (timer && rest > 0 && now() < at) {
        timer.handle = startTimer(at, rest)
        return
      }
      timer = null
      wake()
    }, delay)
  }

  async function idle(): Promise<void> {
    await running
  }

  async function stop(): Promise<void> {
    stopped = true
    if (timer) clearTimeout(timer.handle)
    timer = null
    await running
  }

  return { wake, wakeAt, nextAt: () => timer?.at ?? null, isRunning: () => running !== null, idle, stop }
}
