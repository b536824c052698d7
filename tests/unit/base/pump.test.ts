import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createPump, type Pump } from '#lib/base/pump.ts'

const minute = 60_000

describe('a pump', () => {
  let clock: number
  let runs: number[]
  let pump: Pump
  /** Since the test began, on the monotonic clock of timers. */
  let elapsed: number

  beforeEach(() => {
    vi.useFakeTimers()
    clock = 1_800_000_000_000
    runs = []
    elapsed = 0
    pump = createPump(
      async () => {
        runs.push(elapsed)
        return null
      },
      () => null,
      () => clock,
    )
  })
  afterEach(async () => {
    await pump.stop()
    vi.useRealTimers()
  })

  /** Both clocks go on, 100 ms at a time. */
  const pass = async (ms: number) => {
    for (let i = 0; i < ms; i += 100) {
      clock += 100
      elapsed += 100
      await vi.advanceTimersByTimeAsync(100)
    }
  }

  it('runs once at its time, however far off that is', async () => {
    pump.wakeAt(clock + 90 * minute)
    await pass(89 * minute)
    expect(runs).toEqual([])
    await pass(2 * minute)
    expect(runs).toEqual([90 * minute])
  })

  it('runs within 30 s after the clock steps past its time, even if a later wake-up was requested', async () => {
    pump.wakeAt(clock + 90 * minute)
    await pass(minute)
    clock += 120 * minute
    pump.wakeAt(clock + 5)
    await pass(31_000)
    expect(runs).toHaveLength(1)
  })

  it('runs when its time would have come if the clock is set back meanwhile', async () => {
    pump.wakeAt(clock + 2 * minute)
    await pass(minute)
    clock -= 60 * minute
    await pass(minute)
    expect(runs).toEqual([2 * minute])
  })

  it('replaces a later wake-up by an earlier one, and not the reverse', async () => {
    pump.wakeAt(clock + 1000)
    pump.wakeAt(clock + 500)
    pump.wakeAt(clock + 800)
    await pass(2000)
    expect(runs).toEqual([500])
  })

  it('runs at once for what a run left due, and pauses if the next run leaves it too', async () => {
    const due = clock - 1
    const leaves = createPump(
      async () => {
        runs.push(elapsed)
        return due
      },
      () => null,
      () => clock,
    )
    leaves.wake()
    await pass(1000)
    await leaves.stop()
    expect(runs.filter((at) => at <= 100)).toHaveLength(2)
    expect(runs.length).toBeLessThan(8)
  })

  it('runs as often as a pace of many messages a second needs', async () => {
    const paced = createPump(
      async () => {
        runs.push(elapsed)
        return clock + 100
      },
      () => null,
      () => clock,
    )
    paced.wake()
    await pass(1000)
    await paced.stop()
    expect(runs.length).toBeGreaterThanOrEqual(10)
  })
})
