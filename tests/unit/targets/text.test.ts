import { describe, expect, it } from 'vitest'
import { cut, oneLine, visible } from '#lib/targets/text.ts'

describe('text', () => {
  it('is cut at a length, never within a character', () => {
    expect([cut('abc', 3), cut('abcd', 3), cut('a😀b', 3)]).toEqual(['abc', 'ab…', 'a…'])
  })

  it('shows what would hide or turn it around, and keeps lines, tabs and joined emoji', () => {
    expect(visible('a\r\nb\tc\u202E\u2028\ud800👩‍👩')).toBe('a\nb\tc[U+202E][U+2028]\ufffd👩‍👩')
  })

  it('is put on one line', () => {
    expect(oneLine('a \r\n  b\nc')).toBe('a b c')
  })
})
