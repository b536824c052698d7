/**
 * Runs work until it says when it wants to run next. Never twice at once: a wake-up while it runs makes it
 * run once more, so that nothing which came in between is left lying.
 */
export interface Pump {
  /** Runs now, or again as soon as the present run ends. */
  wake: () => void
  /** Runs at that time (epoch milliseconds) at the latest. */
  wakeAt: (at: number) => void
  /** The time of the next run, as far as it is known. */
  nextAt: () => number | null
  isRunning: () => boolean
  /** Resolves when no run is under way. */
  idle: () => Promise<void>
  /** No further run; resolves when the present one has ended. */
  stop: () => Promise<void>
}

/**
 * The longest that one timer waits. It runs on a monotonic clock, and the time that it is for is read from one that may
 * be set: after a step of that clock, what is due is up to this late, and not as late as the step was long.
 */
const longestTimer = 30_000
/**
 * What a second run in a row leaves due is held by another instance, for as long as its transaction takes, or for 20 s
 * where it died in one. Asking again at once would keep the store busy until then.
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
      // The run looks at everything that is due, so what was known of it before is out of date.
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

  /** `left`: milliseconds until then, as it was known before the clock may have been set. */
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
