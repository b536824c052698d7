import { visibleLines } from '../base/visible.ts'

/** Line breaks become spaces: a name with one could pass for another field of the message. */
export const oneLine = (text: string): string => text.replace(/\s*[\r\n]\s*/g, ' ')

/** The first `max` UTF-16 units, never half a character: text far beyond a limit is not worth escaping. */
export const firstUnits = (text: string, max: number): string =>
  text.length <= max ? text : text.slice(0, max).replace(/[\ud800-\udbff]$/, '')

/** At most `max` UTF-16 units, never half a character, with `…` if something was cut off. */
export function truncateUnits(text: string, max: number): string {
  return text.length <= max ? text : `${firstUnits(text, Math.max(0, max - 1))}…`
}

/** A vendor's answer, fit to be quoted in a reason. */
export const quotable = (text: string, max = 200): string =>
  truncateUnits(visibleLines(oneLine(text)).trim(), max)
