import { describe, expect, it } from 'vitest'
import { nextTry, retryDelaysSeconds } from '#lib/base/retry.ts'

const base = { failures: 1, retryAfterMs: null, now: 0, random: () => 0.5 }
const atOf = (over: Partial<Parameters<typeof nextTry>[0]>) => {
  const next = nextTry({ ...base, ...over })
  return 'at' in next ? next.at / 1000 : 'given up'
}

describe('the retry schedule', () => {
  it('has thirteen tries over three days', () => {
    expect(retryDelaysSeconds).toHaveLength(13)
    expect(retryDelaysSeconds.reduce((sum, one) => sum + one) / 86_400).toBeCloseTo(3.2, 1)
  })

  it('waits as scheduled after each failure, and gives up after the last', () => {
    const waits = retryDelaysSeconds.map((_, i) => atOf({ failures: i + 1 }))
    expect(waits).toEqual([...retryDelaysSeconds.slice(1), 'given up'])
  })

  it('varies by ten percent either way', () => {
    expect([atOf({ random: () => 0 }), atOf({ random: () => 1 })]).toEqual([4.5, 5.5])
  })

  it('uses the delays of a target', () => {
    expect([atOf({ delays: [0, 7] }), atOf({ delays: [0] })]).toEqual([7, 'given up'])
  })

  it.each([
    ['earlier than the schedule', 2000, 5],
    ['later than the schedule', 60_000, 60],
    ['far beyond it', 86_400_000, 5 + 7200],
  ])('respects a Retry-After that is %s', (_, retryAfterMs, expected) => {
    expect(atOf({ retryAfterMs })).toBe(expected)
  })
})
