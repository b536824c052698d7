import { visibleLines } from '../../base/visible.ts'
import type { Markup } from '../card.ts'
import { firstUnits, oneLine, truncateUnits } from '../text.ts'

/**
 * What formats, mentions, links, invites or makes emoji inside a line. A backslash before it shows it as it is. Discord makes
 * a card of an invite that is not even a link (`discord.gg/…`).
 */
const inLine = /[\\*_~|`<>@[\]]|:(?=\S)|\.(?=(?:gg|gift|new|com)\/)/gi
/** What makes a heading, a list or small print at the start of one. */
const atStart = /^(\s*)([#+-]|\d+(?=\.\s))/gm

/** No name can format, mention or link after this. https://docs.discord.com/developers/reference#message-formatting */
const escaped = (text: string): string =>
  visibleLines(text)
    .replace(inLine, '\\$&')
    .replace(atStart, (_, space, mark) => (/\d/.test(mark) ? `${space}${mark}\\` : `${space}\\${mark}`))

/** At most `max` UTF-16 units, no backslash left without what it escapes. */
const clipped = (text: string, max: number): string =>
  truncateUnits(text, max).replace(/(?<!\\)((?:\\\\)*)\\…$/, '$1…')

/** A name or title on one line, shown as it is. */
export const named = (text: string, max: number): string =>
  clipped(escaped(oneLine(firstUnits(text, max))), max)

/** Discord refuses a value that is empty or blank. */
export const orDash = (text: string): string => (text.trim() === '' ? '–' : text)

/** A text of several lines as a quote. */
export const quoted = (text: string, max: number): string =>
  clipped(escaped(firstUnits(text, max)), max)
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n')

/** `label` is ours. What would end the address is encoded. */
const link = (url: string, label: string): string =>
  `[${label}](${url.replace(/[()<>\\]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)})`

/** Invisible. Three backticks with it between them end no code block. */
const joiner = '\u2060'

/** For the parts of `card.ts`. Nothing acts in a code block but its end; `diff` colours its lines. */
export const markdown: Markup = {
  named,
  bold: (ours) => `**${ours}**`,
  link,
  codeLine: (line) => visibleLines(line).replace(/`(?=``)/g, `\`${joiner}`),
  codeBlock: (lines) => `\`\`\`diff\n${lines.join('\n')}\n\`\`\``,
}

// Code spans first, so that what is in them stays.
const marks = /`([^`\n\\]+)`|\*\*([^\n]+?)\*\*|(?<![*\w])\*([^\s*][^*\n]*)\*(?![*\w])/g

/** Markdown, as Langfuse writes it in alerts: code, bold and italic text, and nothing else of it. */
export function fromMarkdown(text: string, max: number): string {
  const head = firstUnits(text, max)
  let done = 0
  let out = ''
  for (const { 0: all, 1: code, 2: bold, 3: italic, index } of head.matchAll(marks)) {
    out += escaped(head.slice(done, index))
    out += code ? `\`${visibleLines(code)}\`` : bold ? `**${escaped(bold)}**` : `*${escaped(italic ?? '')}*`
    done = index + all.length
  }
  return out + escaped(head.slice(done))
}
