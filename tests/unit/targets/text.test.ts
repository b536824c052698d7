import { describe, expect, it } from 'vitest'
import { cut, head, oneLine } from '#lib/targets/text.ts'

describe('text', () => {
  it('is cut at a length, never within a character', () => {
    expect([cut('abc', 3), cut('abcd', 3), cut('a😀b', 3)]).toEqual(['abc', 'ab…', 'a…'])
  })

  it('begins with its first characters, never with half of one', () => {
    expect([head('abc', 3), head('a😀b', 2), head('a😀b', 3)]).toEqual(['abc', 'a', 'a😀'])
  })

  it('is put on one line', () => {
    expect(oneLine('a \r\n  b\nc')).toBe('a b c')
  })
})
