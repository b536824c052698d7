import { describe, expect, it } from 'vitest'
import { firstUnits, oneLine, truncateUnits } from '#lib/targets/text.ts'

describe('text', () => {
  it('is truncated to a length, never within a character', () => {
    expect([truncateUnits('abc', 3), truncateUnits('abcd', 3), truncateUnits('a😀b', 3)]).toEqual([
      'abc',
      'ab…',
      'a…',
    ])
  })

  it('begins with its first characters, never with half of one', () => {
    expect([firstUnits('abc', 3), firstUnits('a😀b', 2), firstUnits('a😀b', 3)]).toEqual(['abc', 'a', 'a😀'])
  })

  it('is put on one line', () => {
    expect(oneLine('a \r\n  b\nc')).toBe('a b c')
  })
})
