import { describe, expect, it } from 'vitest'
import { duration, longDuration, spelledDuration, wholeDuration } from '#lib/base/duration.ts'

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [412, '412 ms'],
    [1480, '1.5 s'],
    [10_012, '10 s'],
    [125_000, '2 min'],
    [47 * hour, '47 h'],
    [100 * day, '100 d'],
  ])('of %i ms is "%s"', (ms, words) => {
    expect(duration(ms)).toBe(words)
  })

  it('in whole units has no decimals', () => {
    expect(wholeDuration(1480)).toBe('1 s')
  })

  it.each([
    [0, 'less than a minute'],
    [59 * second, 'less than a minute'],
    [42 * minute + 59 * second, '42 min'],
    [hour, '1 h'],
    [3 * hour + 5 * minute, '3 h 5 min'],
    [day, '1 d'],
    [2 * day + 4 * hour + 30 * minute, '2 d 4 h'],
  ])('of %i ms is "%s" in two units', (ms, words) => {
    expect(longDuration(ms)).toBe(words)
  })

  it.each([
    [0, '0 minutes'],
    [1, '1 minute'],
    [minute + 1, '2 minutes'],
    [119 * minute, '119 minutes'],
    [120 * minute, '2 hours'],
    [72 * hour, '3 days'],
  ])('of %i ms is "%s" spelled out', (ms, words) => {
    expect(spelledDuration(ms)).toBe(words)
  })
})
