const hidden = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff]/gu

/** Makes characters seen that would hide or turn text around: `[U+202E]`. Newline and tab stay. */
export const visible = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll('\r\n', '\n')
    .replace(hidden, (c) => `[U+${c.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`)

/** Line breaks become spaces: a name with one could pass for another field of the message. */
export const oneLine = (text: string): string => text.replace(/\s*[\r\n]\s*/g, ' ')

/** At most `most` UTF-16 units, never half a character. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, Math.max(0, most - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** As a browser reads it; null for another scheme, and where it is longer than `most`. */
export function webUrl(url: string | null, most: number): string | null {
  if (url === null || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return null
  const { href } = new URL(url)
  return href.length <= most ? href : null
}
