import { describe, expect, it } from 'vitest'
import { bytes, countWords, numberWords, relative, utc } from '../../../../app/_ui/quantity-words.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)
const second = 1000
const hour = 3600 * second

describe('quantities in words', () => {
  it.each([
    [0, 'just now'],
    [-999, 'just now'],
    [12 * second, 'in 12 s'],
    [-12 * second, '12 s ago'],
    [-4 * 60 * second, '4 min ago'],
    [-25 * hour, '25 h ago'],
    [-49 * hour, '2 d ago'],
    [-59 * 24 * hour, '59 d ago'],
    [-60 * 24 * hour, '2026-06-22'],
  ])('%i ms from now is "%s"', (distance, words) => {
    expect(relative(now + distance, now)).toBe(words)
  })

  it('are exact in UTC', () => {
    expect(utc(now)).toBe('2026-08-21 09:14:07 UTC')
  })

  it.each([
    [412, '412 B'],
    [1024, '1 KB'],
    [1536, '1.5 KB'],
    [204_800, '200 KB'],
    [4_718_592, '4.5 MB'],
  ])('%i bytes are "%s"', (size, words) => {
    expect(bytes(size)).toBe(words)
  })

  it('counts in the singular and the plural, and says where counting stopped', () => {
    expect(countWords(1, 'change')).toBe('1 change')
    expect(countWords(1204, 'delivery was', { many: 'deliveries were' })).toBe('1,204 deliveries were')
    expect(countWords(1000, 'change', { isMore: true })).toBe('1,000+ changes')
    expect([numberWords(999), numberWords(1000, true)]).toEqual(['999', '1,000+'])
  })
})
