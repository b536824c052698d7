import { describe, expect, it } from 'vitest'
import { visibleLines, visibleParts, visibleText } from '#lib/base/visible.ts'

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
    ['tags behind a flag that has none', '🏴\u{E0067}\u{E0062}', '🏴[U+E0067][U+E0062]'],
    ['Hangul fillers', 'a\u3164\u115F\u1160\uFFA0', 'a[U+3164][U+115F][U+1160][U+FFA0]'],
    ['a blank Braille pattern', 'a\u2800b', 'a[U+2800]b'],
    ['spaces that are not the space', 'a\u00A0b\u2003\u202F', 'a[U+00A0]b[U+2003][U+202F]'],
    ['an ideographic space among Latin letters', 'a\u3000\u3000b', 'a[U+3000][U+3000]b'],
    ['a variation selector behind a letter', 'a\uFE0Fb\uFE00', 'a[U+FE0F]b[U+FE00]'],
    ['a second selector behind an emoji', '❤\uFE0F\uFE0F', '❤\uFE0F[U+FE0F]'],
    ['bytes as selectors behind an emoji', '😀\u{E0100}\u{E01EF}', '😀[U+E0100][U+E01EF]'],
    ['a selector behind a digit that is no keycap', '1\uFE0F', '1[U+FE0F]'],
    ['a joiner at the end of an emoji', '👩\u200D', '👩[U+200D]'],
    ['joiners in a row', 'ب\u200C\u200C', 'ب\u200C[U+200C]'],
    ['other characters that fonts leave out', '\u034F\u17B4\u2065', '[U+034F][U+17B4][U+2065]'],
    ['marks of annotation', '\uFFF9a\uFFFB', '[U+FFF9]a[U+FFFB]'],
    ['a new line in a name', 'a\nb', 'a[U+000A]b'],
  ])('shows %s', (_what, text, shown) => {
    expect(visibleText(text)).toBe(shown)
  })

  it.each([
    'plain',
    'Ünïcödé ✓',
    '日本語',
    '👩‍👩‍👧',
    '🏳️‍🌈',
    '👍🏽',
    'می‌خواهم',
    'עברית',
    'क्‍ष',
    'a & <b>',
    '\u2764\uFE0F\u200D\u{1F525} \u2714\uFE0E 1\uFE0F\u20E3 #\uFE0F\u20E3',
    '\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} \u{1F1E9}\u{1F1EA}',
    '\u{1F3F4}\u200D\u2620\uFE0F \u{1F3C3}\u{1F3FD}\u200D\u2640\uFE0F \u{1F575}\u{1F3FD}\u200D\u2642\uFE0F',
    '你好\u3000世界',
    '\u3000\u3000首',
    '\u06DD',
  ])('leaves %s as it is', (text) => {
    expect(visibleText(text)).toBe(text)
  })

  it('keeps the lines of a longer text, whatever their line endings', () => {
    expect(visibleParts('a\r\nb\n\tc', { lines: true })).toEqual([{ text: 'a\r\nb\n\tc' }])
  })

  it('shows a carriage return that would hide the line before it', () => {
    expect(visibleParts('bad\rgood', { lines: true })).toEqual([
      { text: 'bad' },
      { code: 'U+000D', name: 'carriage return' },
      { text: 'good' },
    ])
  })

  it('gets uniform line endings where only text is possible', () => {
    expect(visibleLines('a\r\nb\tc\u202E\u2028\ud800👩‍👩')).toBe('a\nb\tc[U+202E][U+2028][U+D800]👩‍👩')
  })

  it('looks at nine characters at most around a wide space, so that a run of them takes linear time', () => {
    const [kept, shown] = ['\u3000'.repeat(9), '[U+3000]'.repeat(5)]
    expect(visibleText(`首${'\u3000'.repeat(14)}`)).toBe(`首${kept}${shown}`)
    expect(visibleText(`${'\u3000'.repeat(14)}首`)).toBe(`${shown}${kept}首`)
  })

  it.each([
    ['a\u202E', 1_000_000],
    ['\u3000', 1_000_000],
    ['\u{1F3F4}\u200D', 2],
    ['\u0628\u200C', 1],
  ])('splits a million characters of %j', (text, parts) => {
    expect(visibleParts(text.repeat(1_000_000 / text.length), { lines: true })).toHaveLength(parts)
  })
})
