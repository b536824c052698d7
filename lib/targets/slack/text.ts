import { visibleLines } from '../../base/visible.ts'
import type { Markup } from '../card.ts'
import { firstUnits, oneLine, truncateUnits } from '../text.ts'

/** Word joiner, which shows nothing. Backticks with it between them open no code block, and a shortcode with it inside makes no emoji. */
const joiner = '\u2060'

/**
 * Slack's own escaping: after it a name can neither mention a channel, nor make a link, nor open or close a code block.
 * Slack's other marks still take effect outside of code.
 */
const escaped = (text: string): string =>
  visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`(?=``)/g, `\`${joiner}`)

const clipped = (text: string, max: number): string => truncateUnits(text, max).replace(/&[a-z]*…$/, '…')

/** Escaped, at most `max` characters, with no entity cut in half. Escaping makes no text shorter than a quarter of it. */
export const escapedTo = (text: string, max: number): string =>
  clipped(escaped(firstUnits(text, 4 * max)), max)

/** Bold, italic and struck-through text need a mark at the edge of a word: `order_id` has none. */
const wrapping = /(?<![\p{L}\p{N}])[*_~]|[*_~](?![\p{L}\p{N}])/u
const shortcode = /:(?=[\p{L}\p{N}_+'-]+:)/u
const quoting = /^&gt;/
const acts = new RegExp(`${wrapping.source}|${shortcode.source}|${quoting.source}|\``, 'u')

const eachOf = ({ source }: RegExp): RegExp => new RegExp(source, 'gu')

const withoutEmoji = (text: string): string => text.replace(eachOf(shortcode), `:${joiner}`)

/** For places without code: marks that would take effect are kept from it by invisible characters. */
const defused = (text: string): string =>
  withoutEmoji(text)
    .replace(eachOf(wrapping), (mark) => joiner + mark + joiner)
    .replaceAll('`', `${joiner}\`${joiner}`)

/**
 * One escaped line, shown as it is: as code where it holds marks, since only in code Slack leaves them alone. Shortcodes are
 * defused in code too: a preview drops the marks of code, and would turn them into emoji.
 */
function literal(line: string, max: number): string {
  if (!acts.test(line)) return clipped(line, max)
  return line.includes('`') ? clipped(defused(line), max) : `\`${clipped(withoutEmoji(line), max - 2)}\``
}

const lineOf = (text: string, max: number): string => escaped(oneLine(firstUnits(text, 4 * max)))

/** A name or title on one line, shown as it is: a line of its own could pass for one of ours. */
export const named = (text: string, max: number): string => literal(lineOf(text, max), max)

/** The same for `plain_text` and texts sent with `mrkdwn: false`, where the marks of code would show. */
export const plain = (text: string, max: number): string => clipped(defused(lineOf(text, max)), max)

/** A text of several lines as a quote, shown as it is. */
export const quoted = (text: string, max: number): string =>
  escapedTo(text, max)
    .split('\n')
    .map((line) => `> ${literal(line, max)}`)
    .join('\n')

/** `label` is ours, and not escaped. */
export function link(url: string, label: string): string {
  const safe = url.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E')
  return `<${safe.replaceAll('&', '&amp;')}|${label}>`
}

// Code spans first, so that what is in them stays.
const markdown =
  /(`[^`\n]+`)|\*\*([^\n]+?)\*\*|__([^\n]+?)__|(?<![*\w])\*([^\s*][^*\n]*)\*(?![*\w])|\[([^\]\n]+)\]\((\S+?)\)/g

/**
 * Markdown, as Langfuse writes it in alerts, in Slack's marks. A link shows its address, so that its label cannot mislead.
 * https://docs.slack.dev/messaging/formatting-message-text
 */
export const fromMarkdown = (text: string): string =>
  text
    .replace(/^#{1,6} +(?:\*\*)?(.+?)(?:\*\*)?$/gm, '**$1**')
    .replace(/^( *)[-*] +/gm, '$1• ')
    .replace(markdown, (all, _code, bold, strong, italic, label, url) => {
      if (bold ?? strong) return `*${bold ?? strong}*`
      if (italic) return `_${italic}_`
      return label ? `${label} (${url})` : all
    })

/** For the parts of `card.ts`. */
export const mrkdwn: Markup = {
  named,
  bold: (ours) => `*${ours}*`,
  link,
  codeBlock: (lines) => `\`\`\`\n${lines.join('\n')}\n\`\`\``,
  codeLine: escaped,
}
