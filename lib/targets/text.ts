/** Line breaks become spaces: a name with one could pass for another field of the message. */
export const oneLine = (text: string): string => text.replace(/\s*[\r\n]\s*/g, ' ')

/** Its first `most` UTF-16 units, never half a character: what lies far behind a limit need not be looked at. */
export const head = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max).replace(/[\ud800-\udbff]$/, '')

/** At most `most` UTF-16 units, never half a character. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  return `${text.slice(0, Math.max(0, max - 1)).replace(/[\ud800-\udbff]$/, '')}…`
}

/** As a browser reads it; null for another scheme, and where it is longer than `most`. */
export function webUrl(url: string | null, max: number): string | null {
  if (url === null || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return null
  const { href } = new URL(url)
  return href.length <= max ? href : null
}
