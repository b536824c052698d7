import { longDuration } from '../base/duration.ts'
import { authorsOf, type DifferenceSummary, wholeName } from '../core/change/change.ts'
import { callbackFields } from '../core/change/describe-callback.ts'
import { reconciledSentence } from '../core/change/reconciled-words.ts'
import { type Message, type MessageRow, observedOf } from '../core/delivery/delivery.ts'
import { lookOf } from './appearance.ts'
import { webUrl } from './message-links.ts'

/** The markup of a chat. `named` and `codeLine` take text from outside, and show it literally. */
export interface Markup {
  /** A name on one line, at most `max` UTF-16 units. */
  named: (text: string, max: number) => string
  bold: (ours: string) => string
  link: (url: string, label: string) => string
  codeLine: (line: string) => string
  codeBlock: (lines: readonly string[]) => string
}

/** `share`: the part of the usual lengths that is used, if a message has to be shorter. */
export interface Style {
  markup: Markup
  share: number
}

export type Field = [name: string, value: string]

/** The heading of a card, as plain text. */
export function headerOf({ change }: Message): string {
  const { words, icon } = lookOf(change)
  return `${icon} ${words}: ${change.detail.trace?.name || wholeName(change)}`
}

const maxNames = 8

/** Names in a row: the first few, and the number of the others, including `omitted` ones that are not in `names`. */
function listed(
  names: readonly string[],
  max: number,
  { markup, omitted = 0 }: { markup: Markup; omitted?: number | undefined },
): string {
  if (names.length === 0) return '–'
  const shown = names.slice(0, maxNames)
  const left = names.length - shown.length + omitted
  const each = Math.floor(max / shown.length)
  const row = shown.map((name) => markup.named(name, each)).join(', ')
  return left > 0 ? `${row} and ${left.toLocaleString('en')} more` : row
}

function promptFields({ change, fact }: Message, { markup, share }: Style): Field[] {
  const { prompt, omitted } = change.detail
  if (!prompt) return []
  const { labels, labelsBefore, tags, promptType } = prompt
  const list = (names: readonly string[], more = 0) => listed(names, 240 * share, { markup, omitted: more })
  const moved = 'from' in fact && 'to' in fact ? `v${fact.from} → v${fact.to}` : null
  const isSame = labelsBefore === null || labelsBefore.toSorted().join('\n') === labels.toSorted().join('\n')
  const before = isSame ? '' : `${list(labelsBefore, omitted?.labelsBefore)} → `
  return [
    ['Prompt', markup.named(wholeName(change), 300 * share)],
    ['Version', moved ?? (change.version === null ? '–' : `v${change.version}`)],
    ['Labels', `${before}${list(labels, omitted?.labels)}`],
    ['Author', markup.named(authorsOf(change).join(', ') || 'unknown', 120 * share)],
    ...(tags.length > 0 ? [['Tags', list(tags, omitted?.tags)] satisfies Field] : []),
    ...(promptType === null ? [] : [['Type', markup.named(promptType, 60)] satisfies Field]),
  ]
}

function otherFields({ change, fact }: Message, { markup, share }: Style): Field[] {
  const { environments, alert } = change.detail
  return [
    ...callbackFields(change.detail).map(([name, value]): Field => [name, markup.named(value, 200 * share)]),
    ...(alert ? [['Lasted', longDuration(alert.forMs)] satisfies Field] : []),
    ...('severity' in fact ? [['Severity', markup.named(fact.severity, 60)] satisfies Field] : []),
    ...(environments.length > 0
      ? [['Environments', listed(environments, 240, { markup })] satisfies Field]
      : []),
  ]
}

/** Name and value, in the order in which they are shown. */
export const fieldsOf = (message: Message, style: Style): Field[] => [
  ...promptFields(message, style),
  ...otherFields(message, style),
]

/** That no webhook came, and when it happened; empty for other changes. */
export function reconciledLine({ change }: Message, { markup, share }: Style): string {
  const { reconciled } = change.detail
  return reconciled ? reconciledSentence(reconciled, (name) => markup.named(name, 120 * share)) : ''
}

/** The same in a line of a digest. */
export const foundMark = ({ change }: Message): string =>
  change.detail.reconciled ? ' · found by comparing with Langfuse' : ''

const more = (count: number, what: string): string => `… ${count} more ${what}${count === 1 ? '' : 's'}`

/**
 * The changed lines as a code block under the two versions, at most `room` characters, whole lines only; then how many
 * changed lines are left out, with a link to the page. Null if no line changed.
 */
export function differenceCode(
  difference: DifferenceSummary,
  { page, room, markup }: { page: string | null; room: number; markup: Markup },
): string | null {
  const { fromVersion, toVersion, coarse, lines, cutLines } = difference
  if (lines.length + cutLines === 0) return null
  const title = `${markup.bold(`v${fromVersion} → v${toVersion}`)}${coarse ? ' (a rough comparison: the texts are large)' : ''}`
  const url = webUrl(page, room / 2)
  const all = url === null ? [] : [markup.link(url, 'See all')]
  const kept: string[] = []
  let left = room - title.length - (all[0]?.length ?? 0) - 40
  for (const { sign, text } of lines) {
    const line = markup.codeLine(`${sign} ${text}`)
    left -= line.length + 1
    if (left < 0) break
    kept.push(line)
  }
  const rest = lines.slice(kept.length).filter(({ sign }) => sign !== ' ').length + cutLines
  const block = kept.length > 0 ? [markup.codeBlock(kept)] : []
  const tail = rest > 0 ? [[more(rest, 'line'), ...all].join(' ')] : []
  return [title, ...block, ...tail].join('\n')
}

const maxNotes = 5

/** A placeholder of a chat prompt has no braces. */
const variable = (name: string): string =>
  name.startsWith('placeholder:') ? `placeholder ${name.slice('placeholder:'.length)}` : `{{${name}}}`

/** Variables and config keys that changed, one a line. */
export function differenceNotes(difference: DifferenceSummary, markup: Markup): string[] {
  const { variablesAdded, variablesRemoved, cutVariables = 0, config, cutConfig = 0 } = difference
  const names = (title: string, list: readonly string[]): string[] => {
    const shown = list.slice(0, maxNotes).map((name) => markup.named(variable(name), 80))
    return shown.length > 0 ? [`${markup.bold(title)} ${shown.join(', ')}`] : []
  }
  const over = (list: readonly unknown[]): number => Math.max(0, list.length - maxNotes)
  const hidden = cutVariables + over(variablesAdded) + over(variablesRemoved)
  const hiddenKeys = cutConfig + over(config)
  const value = (json: string | null): string => (json === null ? 'not set' : markup.named(json, 120))
  const variables = [
    ...names('Variables added', variablesAdded),
    ...names('Variables removed', variablesRemoved),
    ...(hidden > 0 ? [more(hidden, 'variable')] : []),
  ]
  const keys = [
    ...config
      .slice(0, maxNotes)
      .map(
        ({ key, before, after }) =>
          `${markup.bold('Config')} ${markup.named(key, 80)}: ${value(before)} → ${value(after)}`,
      ),
    ...(hiddenKeys > 0 ? [more(hiddenKeys, 'config key')] : []),
  ]
  return [variables, keys].filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
}

const maxRows = 5

const when = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function rowLine({ row, url, words }: MessageRow, { markup, share }: Style): string {
  const href = webUrl(url, 500 * share)
  const into = href === null ? '' : ` ${markup.link(href, row.traceId === null ? 'Session' : 'Trace')}`
  return `• ${when(row.at)} ${markup.named(words, 300 * share)}${into}`
}

/** The first rows of a burst that the rule matched, one a line; empty for other changes. */
export function rowLines(message: Message, style: Style): string[] {
  const rows = observedOf(message)
  const lines = rows.slice(0, maxRows).map((row) => rowLine(row, style))
  const { fact } = message
  const left = 'count' in fact && rows.length > 0 ? fact.count - lines.length : 0
  return [...lines, ...(left > 0 ? [`… and ${left.toLocaleString('en')} more`] : [])]
}
