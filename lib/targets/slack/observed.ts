import type { Message } from '../../core/delivery/delivery.ts'
import { type MessageRow, observedOf } from '../../core/delivery/delivery.ts'
import { webUrl } from '../text.ts'
import { link, named } from './text.ts'

const maxLines = 5

const when = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function lineOf({ row, url, words }: MessageRow, share: number): string {
  const href = webUrl(url, 500 * share)
  const into = href === null ? '' : ` ${link(href, row.traceId === null ? 'Session' : 'Trace')}`
  return `• ${when(row.at)} ${named(words, 300 * share)}${into}`
}

/** The first rows of a burst, as far as the rule matched them, a line each; empty for other changes. */
export function observedLines(message: Message, share: number): string {
  const rows = observedOf(message)
  const lines = rows.slice(0, maxLines).map((row) => lineOf(row, share))
  const { fact } = message
  const left = 'count' in fact && rows.length > 0 ? fact.count - lines.length : 0
  return [...lines, ...(left > 0 ? [`… and ${left.toLocaleString('en')} more`] : [])].join('\n')
}
