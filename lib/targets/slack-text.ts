import { cut, oneLine, visible } from './text.ts'

/**
 * Slack's own escaping: after it no name can ping a channel or make a link. Three backticks would begin or end a
 * code block: an invisible joiner keeps them apart.
 */
export const escaped = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`(?=``)/g, '`\u2060')

/** At most `most` characters as escaped, no entity cut in half. Escaping never makes a text shorter than a quarter. */
export const said = (text: string, most: number): string =>
  cut(escaped(text.slice(0, 4 * most)), most).replace(/&[a-z]*…$/, '…')

/** The same for names and titles, which have no lines: a line of its own could pass for one of ours. */
export const named = (text: string, most: number): string => said(oneLine(text.slice(0, 4 * most)), most)

const mostNames = 8

/** Names in a row; of many, the first few and the number of the others. */
export function listed(names: readonly string[], most: number): string {
  if (names.length === 0) return '–'
  const shown = names.slice(0, mostNames)
  const left = names.length - shown.length
  const each = Math.floor(most / shown.length)
  const row = shown.map((name) => named(name, each)).join(', ')
  return left > 0 ? `${row} and ${left} more` : row
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
