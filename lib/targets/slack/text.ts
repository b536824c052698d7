import { visibleLines } from '../../base/visible.ts'
import { firstUnits, oneLine, truncateUnits } from '../text.ts'

/** Invisible. Three backticks apart are no code block, and a shortcode with it inside is no picture. */
const joiner = '\u2060'

/**
 * Slack's own escaping: after it no name can ping a channel or make a link, nor begin or end a code block. Slack's other
 * marks still take effect outside of code.
 */
export const escaped = (text: string): string =>
  visibleLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`(?=``)/g, `\`${joiner}`)

const clipped = (text: string, max: number): string => truncateUnits(text, max).replace(/&[a-z]*…$/, '…')

/** At most `most` characters as escaped, no entity cut in half. Escaping never makes a text shorter than a quarter. */
export const said = (text: string, max: number): string => clipped(escaped(firstUnits(text, 4 * max)), max)

/** Bold, italic and struck text need a mark that does not stand inside a word: `order_id` has none. */
const wrapping = /(?<![\p{L}\p{N}])[*_~]|[*_~](?![\p{L}\p{N}])/u
const shortcode = /:(?=[\p{L}\p{N}_+'-]+:)/u
const quoting = /^&gt;/
const acts = new RegExp(`${wrapping.source}|${shortcode.source}|${quoting.source}|\``, 'u')

const eachOf = ({ source }: RegExp): RegExp => new RegExp(source, 'gu')

const withoutPictures = (text: string): string => text.replace(eachOf(shortcode), `:${joiner}`)

/** For where code cannot be: marks that would act are set apart by what is not seen. */
const apart = (text: string): string =>
  withoutPictures(text)
    .replace(eachOf(wrapping), (mark) => joiner + mark + joiner)
    .replaceAll('`', `${joiner}\`${joiner}`)

/**
 * One escaped line, its marks shown as they are: as code where it has any, since only there Slack leaves them alone. A
 * shortcode is set apart in code too: what drops the marks of code, as a preview does, would make a picture of it.
 */
function literal(line: string, max: number): string {
  if (!acts.test(line)) return clipped(line, max)
  return line.includes('`') ? clipped(apart(line), max) : `\`${clipped(withoutPictures(line), max - 2)}\``
}

const lineOf = (text: string, max: number): string => escaped(oneLine(firstUnits(text, 4 * max)))

/** The same for names and titles, which have no lines: a line of its own could pass for one of ours. Shown as it is. */
export const named = (text: string, max: number): string => literal(lineOf(text, max), max)

/** The same for `plain_text` and for a text that is sent with `mrkdwn: false`: without code, which would be seen there. */
export const plain = (text: string, max: number): string => clipped(apart(lineOf(text, max)), max)

/** A text of several lines as a quote, shown as it is. */
export const quoted = (text: string, max: number): string =>
  said(text, max)
    .split('\n')
    .map((line) => `> ${literal(line, max)}`)
    .join('\n')

const maxNames = 8

/** Names in a row; of many, the first few and the number of the others, with those that are not in `names` (`omitted`). */
export function listed(names: readonly string[], max: number, omitted = 0): string {
  if (names.length === 0) return '–'
  const shown = names.slice(0, maxNames)
  const left = names.length - shown.length + omitted
  const each = Math.floor(max / shown.length)
  const row = shown.map((name) => named(name, each)).join(', ')
  return left > 0 ? `${row} and ${left.toLocaleString('en')} more` : row
}

/** A link in a text; `label` is ours. */
export function link(url: string, label: string): string {
  const safe = url.replaceAll('|', '%7C').replaceAll('<', '%3C').replaceAll('>', '%3E')
  return `<${safe.replaceAll('&', '&amp;')}|${label}>`
}

// Code spans first, so that what stands in them stays.
const markdown =
  /(`[^`\n]+`)|\*\*([^\n]+?)\*\*|__([^\n]+?)__|(?<![*\w])\*([^\s*][^*\n]*)\*(?![*\w])|\[([^\]\n]+)\]\((\S+?)\)/g

/**
 * Markdown as Langfuse writes it in alerts, in Slack's own marks. A link shows its address: where it leads is
 * not for a label to say. https://docs.slack.dev/messaging/formatting-message-text
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
