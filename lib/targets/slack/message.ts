import type { IncomingWebhookSendArguments } from '@slack/webhook'
import { longDuration } from '../../base/duration.ts'
import { authorsOf, type DifferenceSummary, wholeName } from '../../core/change/change.ts'
import { callbackFields } from '../../core/change/describe-callback.ts'
import type { Message } from '../../core/delivery/delivery.ts'
import { type MessageRow, observedOf, titleOf } from '../../core/delivery/delivery.ts'
import { messageLinks, webUrl } from '../message-links.ts'
import { danger, lookOf } from './look.ts'
import { escaped, escapedTo, fromMarkdown, link, listed, named, plain, quoted } from './text.ts'

/** Slack refuses a whole message near 13,200 characters (https://github.com/slackapi/bolt-js/issues/2509). */
const maxMessage = 12_500
/** Slack's limit is 3,000. */
const maxUrl = 2900

type Block = NonNullable<IncomingWebhookSendArguments['blocks']>[number]

const neutral = '#2563eb'

/** How much room a message has: characters for the difference, and a share of every other limit. */
interface Room {
  difference: number
  share: number
}

/** Tried in this order until the message fits: first the difference shrinks, then the rest. */
const rooms: readonly Room[] = [
  { difference: 2900, share: 1 },
  { difference: 1800, share: 1 },
  { difference: 1200, share: 0.5 },
  { difference: 0, share: 0.2 },
]

/** `verbatim`: Slack makes no link or mention out of what only looks like one. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const
/** Slack applies neither marks nor shortcodes in it. */
const plainText = (text: string, max: number) =>
  ({ type: 'plain_text', text: plain(text, max), emoji: false }) as const
const section = (text: string): Block => ({ type: 'section', text: mrkdwn(text) })
const context = (text: string): Block => ({ type: 'context', elements: [mrkdwn(text)] })
type Field = [name: string, value: string]

function promptFields({ change, fact }: Message, { share }: Room): Field[] {
  const { prompt, omitted } = change.detail
  if (!prompt) return []
  const { labels, labelsBefore, tags, promptType } = prompt
  const list = (names: readonly string[], more = 0) => listed(names, 240 * share, more)
  const moved = 'from' in fact && 'to' in fact ? `v${fact.from} → v${fact.to}` : null
  const isSame = labelsBefore === null || labelsBefore.toSorted().join('\n') === labels.toSorted().join('\n')
  const before = isSame ? '' : `${list(labelsBefore, omitted?.labelsBefore)} → `
  return [
    ['Prompt', named(wholeName(change), 300 * share)],
    ['Version', moved ?? (change.version === null ? '–' : `v${change.version}`)],
    ['Labels', `${before}${list(labels, omitted?.labels)}`],
    ['Author', named(authorsOf(change).join(', ') || 'unknown', 120 * share)],
    ...(tags.length > 0 ? [['Tags', list(tags, omitted?.tags)] satisfies Field] : []),
    ...(promptType === null ? [] : [['Type', named(promptType, 60)] satisfies Field]),
  ]
}

function otherFields({ change, fact }: Message, { share }: Room): Field[] {
  const { environments, alert } = change.detail
  return [
    ...callbackFields(change.detail).map(([name, value]): Field => [name, named(value, 200 * share)]),
    ...(alert ? [['Lasted', longDuration(alert.forMs)] satisfies Field] : []),
    ...('severity' in fact ? [['Severity', named(fact.severity, 60)] satisfies Field] : []),
    ...(environments.length > 0 ? [['Environments', listed(environments, 240)] satisfies Field] : []),
  ]
}

const more = (count: number, what: string): string => `… ${count} more ${what}${count === 1 ? '' : 's'}`

/**
 * The changed lines as a code block under the two versions, at most `room` characters, whole lines only; then how many
 * changed lines are left out, with a link to the page. Null where no line changed.
 */
function differenceCode(difference: DifferenceSummary, page: string | null, room: number): string | null {
  const { fromVersion, toVersion, coarse, lines, cutLines } = difference
  if (lines.length + cutLines === 0) return null
  const title = `*v${fromVersion} → v${toVersion}*${coarse ? ' (a rough comparison: the texts are large)' : ''}`
  const url = webUrl(page, room / 2)
  const all = url === null ? [] : [link(url, 'See all')]
  const kept: string[] = []
  let left = room - title.length - (all[0]?.length ?? 0) - 40
  for (const { sign, text } of lines) {
    const line = escaped(`${sign} ${text}`)
    left -= line.length + 1
    if (left < 0) break
    kept.push(line)
  }
  const rest = lines.slice(kept.length).filter(({ sign }) => sign !== ' ').length + cutLines
  const block = kept.length > 0 ? [`\`\`\`\n${kept.join('\n')}\n\`\`\``] : []
  const tail = rest > 0 ? [[more(rest, 'line'), ...all].join(' ')] : []
  return [title, ...block, ...tail].join('\n')
}

const maxNotes = 5

/** A placeholder of a chat prompt has no braces. */
const variable = (name: string): string =>
  name.startsWith('placeholder:') ? `placeholder ${name.slice('placeholder:'.length)}` : `{{${name}}}`

/** Variables and config keys that changed, one a line. */
function differenceNotes(difference: DifferenceSummary): string[] {
  const { variablesAdded, variablesRemoved, cutVariables = 0, config, cutConfig = 0 } = difference
  const names = (title: string, list: readonly string[]): string[] => {
    const shown = list.slice(0, maxNotes).map((name) => named(variable(name), 80))
    return shown.length > 0 ? [`*${title}* ${shown.join(', ')}`] : []
  }
  const over = (list: readonly unknown[]): number => Math.max(0, list.length - maxNotes)
  const hidden = cutVariables + over(variablesAdded) + over(variablesRemoved)
  const hiddenKeys = cutConfig + over(config)
  const value = (json: string | null): string => (json === null ? 'not set' : named(json, 120))
  const variables = [
    ...names('Variables added', variablesAdded),
    ...names('Variables removed', variablesRemoved),
    ...(hidden > 0 ? [more(hidden, 'variable')] : []),
  ]
  const keys = [
    ...config
      .slice(0, maxNotes)
      .map(({ key, before, after }) => `*Config* ${named(key, 80)}: ${value(before)} → ${value(after)}`),
    ...(hiddenKeys > 0 ? [more(hiddenKeys, 'config key')] : []),
  ]
  return [variables, keys].filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
}

function differenceBlocks({ change, links }: Message, { difference: room }: Room): Block[] {
  const { difference } = change.detail
  if (difference === null) return []
  if (typeof difference === 'string') return [context(escapedTo(difference, 300))]
  const code = differenceCode(difference, links.page, room)
  return [...(code === null ? [] : [section(code)]), ...differenceNotes(difference).map(section)]
}

function buttons(message: Message, { share }: Room): Block[] {
  const elements = messageLinks(message, maxUrl * share).map(({ label, url }) => {
    return { type: 'button' as const, text: plainText(label, 75), url }
  })
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}

const maxRows = 5

const when = (at: number): string => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`

function rowLine({ row, url, words }: MessageRow, share: number): string {
  const href = webUrl(url, 500 * share)
  const into = href === null ? '' : ` ${link(href, row.traceId === null ? 'Session' : 'Trace')}`
  return `• ${when(row.at)} ${named(words, 300 * share)}${into}`
}

/** The first rows of a burst that the rule matched, one a line; empty for other changes. */
function rowLines(message: Message, share: number): string {
  const rows = observedOf(message)
  const lines = rows.slice(0, maxRows).map((row) => rowLine(row, share))
  const { fact } = message
  const left = 'count' in fact && rows.length > 0 ? fact.count - lines.length : 0
  return [...lines, ...(left > 0 ? [`… and ${left.toLocaleString('en')} more`] : [])].join('\n')
}

function wordsOf(all: Message, { share }: Room): Block[] {
  const { change } = all
  const { prompt, message, problems } = change.detail
  const list = problems.slice(0, 5).map((problem) => `• ${named(problem, 200 * share)}`)
  const paragraphs = [
    prompt?.commitMessage ? quoted(prompt.commitMessage, 600 * share) : '',
    fromMarkdown(escapedTo(message ?? '', 1200 * share)),
    list.join('\n'),
    rowLines(all, share),
  ]
  return paragraphs.filter((text) => text.replaceAll('>', '').trim() !== '').map(section)
}

function blocksOf(message: Message, room: Room): Block[] {
  const { change } = message
  const { words, icon } = lookOf(change)
  const fields = [...promptFields(message, room), ...otherFields(message, room)]
  const project = change.projectId === null ? [] : [`project ${named(change.projectId, 100)}`]
  const title = `${icon} ${words}: ${change.detail.trace?.name || wholeName(change)}`
  return [
    // Slack reads the three entities in `plain_text` as well.
    { type: 'header', text: plainText(title, 150) },
    ...(fields.length > 0
      ? [{ type: 'section', fields: fields.map(([name, value]) => mrkdwn(`*${name}*\n${value}`)) } as Block]
      : []),
    ...wordsOf(message, room),
    ...differenceBlocks(message, room),
    ...buttons(message, room),
    context([...(change.test ? ['test'] : []), ...project, named(change.id, 60)].join(' · ')),
  ]
}

/** Slack takes `mrkdwn: false` (`text` is no markup), which its library's types do not know: https://docs.slack.dev/messaging/formatting-message-text */
type SlackMessage = IncomingWebhookSendArguments & { mrkdwn: false }

const card = (text: string, color: string, blocks: Block[]): SlackMessage => ({
  text,
  mrkdwn: false,
  attachments: [{ color, fallback: text, blocks }],
  link_names: false,
  unfurl_links: false,
  unfurl_media: false,
})

/** The roomiest that Slack takes. */
function fitting(make: (room: Room) => SlackMessage): SlackMessage {
  const [roomiest = { difference: 0, share: 0.2 }, ...others] = rooms
  let message = make(roomiest)
  for (const room of others) {
    if (JSON.stringify(message).length <= maxMessage) break
    message = make(room)
  }
  return message
}

/** One change as a Slack message: its title, and a card in its colour. Within Slack's limits whatever the change holds. */
export function slackMessage(message: Message): SlackMessage {
  const title = titleOf(message)
  const { color } = lookOf(message.change)
  return fitting((room) => card(plain(title, 800 * room.share), color, blocksOf(message, room)))
}

/** Up to 20 changes as one message, in the order given, one a line. */
export function slackDigest(messages: Message[]): SlackMessage {
  const isDanger = messages.some(({ change }) => change.danger)
  return fitting(({ share }) => {
    const lines = messages.map((message) => {
      const { change, links } = message
      const url = webUrl(links.page, 300 * share)
      const icon = change.danger ? '🔴' : lookOf(change).icon
      return `${icon} ${named(titleOf(message), 300 * share)}${url === null ? '' : ` ${link(url, 'What changed')}`}`
    })
    const [first] = messages
    const text = `${messages.length} changes. ${first ? plain(titleOf(first), 200 * share) : ''} …`
    return card(text, isDanger ? danger : neutral, lines.map(section))
  })
}
