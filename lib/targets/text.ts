/** Line breaks become spaces: a name with one could pass for another field of the message. */
export const oneLine = (text: string): string => text.replace(/\s*[\r\n]\s*/g, ' ')

/** Its first `most` UTF-16 units, never half a character: what lies far behind a limit need not be looked at. */
export const head = (text: string, most: number): string =>
  text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, '')

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
