import { describe, expect, it } from 'vitest'
import { afterAnswer, afterWait, limitedSince, type RateLimit } from '#lib/core/delivery/rate-limit.ts'

const seconds = 1000
const minute = 60 * seconds
const hour = 60 * minute

/** The pauses, in seconds, where every probe gets the same answer. */
function pauses(retryAfterMs: number | null, times: number, delays?: number[]): number[] {
  let limit: RateLimit | null = null
  let now = 0
  return Array.from({ length: times }, () => {
    const next: RateLimit & { until: number } = afterWait(limit, { retryAfterMs, now, delays })
    const pause = next.until - now
    limit = next
    now = next.until
    return pause / seconds
  })
}

describe('a target that asks for time', () => {
  it.each([
    ['the time it asks for', 5000, [5, 5, 5]],
    ['longer each time where it asks for a second over and over', 1000, [1, 2, 4, 8, 16, 32, 64]],
    ['at least a second', 1, [1, 2, 4]],
    ['at most two hours', 86_400_000, [7200, 7200]],
  ])('is paused for %s', (_, retryAfterMs, expected) => {
    expect(pauses(retryAfterMs, expected.length)).toEqual(expected)
  })

  it('is paused by the retry schedule where it does not say for how long, for at most ten minutes', () => {
    expect(pauses(null, 6)).toEqual([5, 30, 120, 600, 600, 600])
    expect(pauses(null, 3, [0, 60, 90])).toEqual([60, 90, 90])
  })

  it('is paused longer each time whatever the schedule', () => {
    expect(pauses(null, 5, [0])).toEqual([1, 2, 4, 8, 16])
    expect(pauses(null, 12, [0, 0, 0]).at(-1)).toBe(600)
  })

  it('is paused for as long as the longest request says, but no longer for messages sent before', () => {
    const first = afterWait(null, { retryAfterMs: null, now: 0 })
    const again = afterWait(first, { retryAfterMs: null, now: 100 })
    expect(again).toEqual(first)
    expect(afterWait(again, { retryAfterMs: 60_000, now: 200 })).toEqual({ ...first, until: 60_200 })
    expect(afterWait(again, { retryAfterMs: 1000, now: 200 }).until).toBe(first.until)
  })

  it('is sent one message as a probe, and one more at a time with each success', () => {
    let limit: RateLimit | null = afterWait(null, { retryAfterMs: 5000, now: 0 })
    expect(limit.send_window).toBe(1)
    // A message sent before it asked says nothing.
    expect(afterAnswer(limit, 4999)).toEqual(limit)
    const windows: (number | null)[] = []
    for (let i = 0; i < 49; i++) {
      limit = afterAnswer(limit, 5000 + i)
      windows.push(limit === null ? null : limit.send_window)
    }
    expect(windows).toEqual([...Array.from({ length: 48 }, (_, i) => i + 2), null])
  })

  it('starts with one again when it asks for time again', () => {
    const limit = afterAnswer(afterWait(null, { retryAfterMs: 5000, now: 0 }), 6000)
    expect(limit).toEqual({ since: null, until: null, waits: 0, send_window: 2 })
    expect(afterWait(limit, { retryAfterMs: null, now: 7000 })).toEqual({
      since: 7000,
      until: 12_000,
      waits: 1,
      send_window: 1,
    })
  })

  it('is a trouble when it only asks for time for a quarter of an hour', () => {
    const limit: RateLimit = { since: 0, until: 20 * minute, waits: 5, send_window: 1 }
    expect(limitedSince(limit, 15 * minute - 1)).toBeNull()
    expect(limitedSince(limit, 15 * minute)).toBe(0)
    expect(limitedSince(limit, 5 * hour)).toBeNull()
    expect(limitedSince(afterAnswer(limit, 21 * minute), 22 * minute)).toBeNull()
    expect(limitedSince(null, hour)).toBeNull()
  })
})
