/** A stretch of text, or one character that a reader would not see, or that would reorder what he sees. */
export type Part = { text: string } | { code: string; name: string }

const names: Record<string, string> = {
  '0000': 'null',
  '0007': 'bell',
  '0008': 'backspace',
  '0009': 'tab',
  '000A': 'new line',
  '000D': 'carriage return',
  '001B': 'escape',
  '007F': 'delete',
  '00AD': 'soft hyphen',
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
  '2060': 'word joiner',
  '2066': 'left-to-right isolate',
  '2067': 'right-to-left isolate',
  '2068': 'first strong isolate',
  '2069': 'pop directional isolate',
  FEFF: 'byte order mark',
}

const joining = ['Arabic', 'Bengali', 'Devanagari', 'Malayalam', 'Sinhala', 'Tamil']
const joins = [
  '\\p{Extended_Pictographic}',
  '\\p{Emoji_Modifier}',
  '\\ufe0f',
  ...joining.map((script) => `\\p{Script=${script}}`),
]

/**
 * Control, format, line-separating and unpaired characters. Joiners stay where writing needs them: inside emoji, and
 * in scripts that join, where they are plain spelling.
 */
const odd = new RegExp(
  `(?<!${joins.join('|')})[\\u200c\\u200d]|(?![\\u200c\\u200d])[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]`,
  'gu',
)

function markOf(character: string): { code: string; name: string } {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return { code: `U+${code}`, name: names[code] ?? 'invisible character' }
}

/** Splits text so that odd characters can be shown by their code. `lines` keeps new lines and tabs as they are. */
export function visibleParts(text: string, { lines }: { lines: boolean }): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(odd)) {
    const [character] = match
    if (lines && (character === '\n' || character === '\t')) continue
    if (lines && character === '\r' && text[match.index + 1] === '\n') continue
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push(markOf(character))
    end = match.index + character.length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  return parts
}

/** One line, ready to be shown: mostly it is as it was. */
export function shownLine(text: string): string | Part[] {
  const parts = visibleParts(text, { lines: false })
  return parts.every((part) => 'text' in part) ? text : parts
}

/** The same for where only text can stand: attributes, the window's title. */
export const visibleText = (text: string): string =>
  visibleParts(text, { lines: false })
    .map((part) => ('text' in part ? part.text : `[${part.code}]`))
    .join('')
