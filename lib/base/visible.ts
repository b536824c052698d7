/** A stretch of text, or a character that a reader would not see or that reorders the text around it. */
export type VisiblePart = { text: string } | { code: string; name: string }

const names: Record<string, string> = {
  '0000': 'null',
  '0007': 'bell',
  '0008': 'backspace',
  '0009': 'tab',
  '000A': 'new line',
  '000D': 'carriage return',
  '001B': 'escape',
  '007F': 'delete',
  '00A0': 'no-break space',
  '00AD': 'soft hyphen',
  '115F': 'Hangul choseong filler',
  '1160': 'Hangul jungseong filler',
  '034F': 'combining grapheme joiner',
  '061C': 'Arabic letter mark',
  '200B': 'zero width space',
  '200C': 'zero width non-joiner',
  '200D': 'zero width joiner',
  '200E': 'left-to-right mark',
  '200F': 'right-to-left mark',
  '2028': 'line separator',
  '2029': 'paragraph separator',
  '202A': 'left-to-right embedding',
  '202B': 'right-to-left embedding',
  '202C': 'pop directional formatting',
  '202D': 'left-to-right override',
  '202E': 'right-to-left override',
  '202F': 'narrow no-break space',
  '2060': 'word joiner',
  '2066': 'left-to-right isolate',
  '2067': 'right-to-left isolate',
  '2068': 'first strong isolate',
  '2069': 'pop directional isolate',
  '2800': 'blank Braille pattern',
  '3000': 'ideographic space',
  '3164': 'Hangul filler',
  FE0E: 'text variation selector',
  FE0F: 'emoji variation selector',
  FFA0: 'halfwidth Hangul filler',
  FEFF: 'byte order mark',
}

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`

const pictographic = '\\p{Extended_Pictographic}'
const joiningScripts = [
  'Arabic',
  'Bengali',
  'Devanagari',
  'Gujarati',
  'Gurmukhi',
  'Kannada',
  'Malayalam',
  'Oriya',
  'Sinhala',
  'Syriac',
  'Tamil',
  'Telugu',
]
  .map((script) => `\\p{Script=${script}}`)
  .join('')
const eastAsian =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Bopomofo}\\u3001-\\u303f\\uff00-\\uffef'

/**
 * What is drawn as nothing or as a blank other than the plain space, or changes the direction of text: controls, formats,
 * lone surrogates, separators, everything that Unicode lets a font leave out (fillers, selectors, tags), and blanks among
 * letters and symbols.
 */
const invisible =
  '[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Zs}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}\\u2800\\ufffc\\u{1d159}\\u{16fe4}]'

/** Those of them that are visible: the space, and Arabic and other signs around numbers. */
const drawn = '[ \\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u{110bd}\\u{110cd}]'

/**
 * They stay where writing needs them: between the parts of an emoji, after a character with two presentations, in joining
 * scripts, in the three flags made of tags, and as the wide space of East Asian text. Variation selectors after Han
 * characters are shown although some names are spelt with them: each can carry a hidden byte.
 */
const inPlace = [
  `(?<=[${pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=${pictographic})`,
  `(?<=[${joiningScripts}])[\\u200c\\u200d]`,
  `(?<=${pictographic})[\\ufe0e\\ufe0f]`,
  '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
  '(?<=[\\u1820-\\u18aa])[\\u180b-\\u180d]',
  // Bounded, because a megabyte of them must not take quadratic time.
  `(?<=[${eastAsian}]\\u3000{0,8})\\u3000|\\u3000(?=\\u3000{0,8}[${eastAsian}])`,
].join('|')

/** England, Scotland and Wales as a whole: any other tags after a flag are hidden text. */
const tagFlag = `\\u{1f3f4}(?:${['gbeng', 'gbsct', 'gbwls']
  .map((region) =>
    [...region].map((letter) => `\\u{${(0xe0000 + letter.charCodeAt(0)).toString(16)}}`).join(''),
  )
  .join('|')})\\u{e007f}`

/** Consumes a flag as a whole, so that the group matches only what is to be shown. */
const odd = new RegExp(`${tagFlag}|(?!${drawn})(?!${inPlace})(${invisible})`, 'gu')

function markOf(character: string): { code: string; name: string } {
  const code = codeOf(character)
  return { code, name: names[code.slice(2)] ?? (character.trim() === '' ? 'blank' : 'invisible character') }
}

/** Splits text so that invisible characters can be shown by their code. `lines` keeps newlines and tabs. */
export function visibleParts(text: string, { lines }: { lines: boolean }): VisiblePart[] {
  const parts: VisiblePart[] = []
  let end = 0
  for (const match of text.matchAll(odd)) {
    const [, character] = match
    if (character === undefined) continue
    if (lines && (character === '\n' || character === '\t')) continue
    if (lines && character === '\r' && text[match.index + 1] === '\n') continue
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push(markOf(character))
    end = match.index + character.length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  return parts
}

/** One line to be shown; usually just the text. */
export function shownLine(text: string): string | VisiblePart[] {
  const parts = visibleParts(text, { lines: false })
  return parts.every((part) => 'text' in part) ? text : parts
}

const joined = (parts: VisiblePart[]): string =>
  parts.map((part) => ('text' in part ? part.text : `[${part.code}]`)).join('')

/** As text, for attributes and titles: an invisible character becomes `[U+202E]`. */
export const visibleText = (text: string): string => joined(visibleParts(text, { lines: false }))

/** The same for several lines: they end in `\n`, and tabs stay. */
export const visibleLines = (text: string): string =>
  joined(visibleParts(text, { lines: true })).replaceAll('\r\n', '\n')
