import { describe, expect, it } from 'vitest'
import { visibleParts, visibleText } from '../../../app/_components/visible.ts'

describe('text from outside', () => {
  it.each([
    ['an override of direction', 'a\u202Eb', 'a[U+202E]b'],
    ['isolates', '\u2066a\u2069', '[U+2066]a[U+2069]'],
    ['a bell and an escape', '\u0007\u001b[31m', '[U+0007][U+001B][31m'],
    ['a null', '\0', '[U+0000]'],
    ['a C1 control', '\u0085', '[U+0085]'],
    ['a zero width space', 'pay\u200Bpal', 'pay[U+200B]pal'],
    ['a joiner between Latin letters', 'pay\u200Dpal', 'pay[U+200D]pal'],
    ['a byte order mark', '\uFEFFa', '[U+FEFF]a'],
    ['a soft hyphen', 'a\u00ADb', 'a[U+00AD]b'],
    ['separators of lines', 'a\u2028b\u2029', 'a[U+2028]b[U+2029]'],
    ['half of a character', 'a\uD83D', 'a[U+D83D]'],
    ['a tag character', 'a\u{E0041}', 'a[U+E0041]'],
    ['a new line in a name', 'a\nb', 'a[U+000A]b'],
  ])('shows %s', (_what, text, shown) => {
    expect(visibleText(text)).toBe(shown)
  })

  it.each(['plain', 'Ünïcödé ✓', '日本語', '👩‍👩‍👧', '🏳️‍🌈', '👍🏽', 'می‌خواهم', 'עברית', 'क्‍ष', 'a & <b>'])(
    'leaves %s as it is',
    (text) => {
      expect(visibleText(text)).toBe(text)
    },
  )

  it('keeps the lines of a longer text, whichever way they end', () => {
    expect(visibleParts('a\r\nb\n\tc', { lines: true })).toEqual([{ text: 'a\r\nb\n\tc' }])
  })

  it('shows a carriage return that would hide the line before it', () => {
    expect(visibleParts('bad\rgood', { lines: true })).toEqual([
      { text: 'bad' },
      { code: 'U+000D', name: 'carriage return' },
      { text: 'good' },
    ])
  })

  it('takes a megabyte in well under a second', () => {
    const startedAt = performance.now()
    expect(visibleParts('a\u202E'.repeat(500_000), { lines: true })).toHaveLength(1_000_000)
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})
