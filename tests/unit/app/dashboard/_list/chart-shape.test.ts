import { describe, expect, it } from 'vitest'
import { barsOf, chartWords, totals } from '../../../../../app/(dashboard)/_list/chart-shape.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 7, 21, 9)
const counts = [
  [8, 0],
  [1, 1],
  [0, 0],
  [1000, 400],
].map(([changes = 0, failures = 0], i) => ({
  from: start + i * hour,
  to: start + (i + 1) * hour,
  changes,
  failures,
}))

describe('the bars of a chart', () => {
  it('are proportional to the highest, and visible for any count above 0', () => {
    expect(barsOf(counts, hour, 40).map(({ height, failedHeight }) => [height, failedHeight])).toEqual([
      [2, 0],
      [2, 2],
      [0, 0],
      [40, 16],
    ])
  })

  it('stand on the baseline, side by side', () => {
    const bars = barsOf(counts, hour, 40)
    expect(bars.map(({ x }) => x)).toEqual([0, 10, 20, 30])
    for (const { y, height, failedY, failedHeight } of bars) {
      expect([y + height, failedY + failedHeight]).toEqual([40, 40])
    }
  })

  it('have their numbers as a tooltip', () => {
    expect(barsOf(counts, hour, 40)[1]?.title).toBe('2026-08-21 10:00 UTC: 1 change, 1 failure')
    expect(barsOf(counts, 24 * hour, 40)[3]?.title).toBe('2026-08-21 UTC: 1,000 changes, 400 failures')
  })

  it('are flat if nothing happened', () => {
    const nothing = counts.map((one) => ({ ...one, changes: 0, failures: 0 }))
    expect(barsOf(nothing, hour, 40).every(({ height }) => height === 0)).toBe(true)
  })
})

describe('the chart in words', () => {
  it('says the range, the sums and the busiest bar', () => {
    expect(chartWords(counts, hour)).toBe(
      'Changes and failures by hours, 2026-08-21 09:00 to 2026-08-21 13:00 UTC: 1,009 changes, 401 failures. Most from 2026-08-21 12:00: 1,000.',
    )
  })

  it('says that there are more if counting stopped', () => {
    expect(totals([{ from: 0, to: 1, changes: 10_000, failures: 1 }])).toBe('10,000+ changes, 1 failure')
  })
})
