import { describe, expect, it } from 'vitest'
import { bucketsOf } from '#lib/core/list/buckets.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const utc = (at: number) => new Date(at).toISOString().slice(0, 16)

describe('the bars of a chart', () => {
  it.each([
    ['the last hour by 5 minutes', '1h', 5 * minute, 13],
    ['the last day by hours', '24h', hour, 25],
    ['the last week by 6 hours', '7d', 6 * hour, 29],
    ['the last 30 days by days', '30d', day, 31],
    ['the last day by hours, where the list has no time', null, hour, 25],
    ['a custom hour by 5 minutes', { from: now - 3 * hour, to: now - 2 * hour }, 5 * minute, 13],
    ['30 days by days, where the range has no start', { from: null, to: now - day }, day, 31],
    ['no more than 32, however long the range is', { from: 0, to: null }, 30 * day, 32],
  ] as const)('are %s', (_what, time, step, count) => {
    const cut = bucketsOf(time, now)
    expect(cut.step).toBe(step)
    expect(cut.buckets).toHaveLength(count)
  })

  it('cover the range without a gap, cut at whole hours', () => {
    const { buckets } = bucketsOf('24h', now)
    expect(utc(buckets[0]?.from ?? 0)).toBe('2026-08-20T09:14')
    expect(buckets.at(-1)?.to).toBe(now + 1)
    for (const [i, { from }] of buckets.slice(1).entries()) {
      expect(from % hour).toBe(0)
      expect(buckets[i]?.to).toBe(from)
    }
  })

  it('end now, even where the range goes on', () => {
    expect(bucketsOf({ from: now - hour, to: now + day }, now).buckets.at(-1)?.to).toBe(now + 1)
  })

  it('are none where the range ends before it starts', () => {
    expect(bucketsOf({ from: now, to: now - hour }, now).buckets).toEqual([])
  })
})
