import type { IncomingWebhookSendArguments } from '@slack/webhook'
import type { Message } from '../../core/delivery/delivery.ts'
import { projectOf, titleOf } from '../../core/delivery/delivery.ts'
import { type Storm, shownOf, stormTitle } from '../../core/delivery/storm.ts'
import { danger, lookOf, neutral } from '../appearance.ts'
import {
  differenceCode,
  differenceNotes,
  fieldsOf,
  foundMark,
  headerOf,
  reconciledLine,
  rowLines,
} from '../card.ts'
import { messageLinks, webUrl } from '../message-links.ts'
import { escapedTo, fromMarkdown, link, mrkdwn, named, plain, quoted } from './text.ts'

/** Slack refuses a whole message near 13,200 characters (https://github.com/slackapi/bolt-js/issues/2509). */
const maxMessage = 12_500
/** Slack's limit is 3,000. */
const maxUrl = 2900

type Block = NonNullable<IncomingWebhookSendArguments['blocks']>[number]

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

/** `verbatim`: Slack turns nothing that looks like a link or a mention into one. */
const marked = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const
/** Slack applies neither marks nor shortcodes in it. */
const plainText = (text: string, max: number) =>
  ({ type: 'plain_text', text: plain(text, max), emoji: false }) as const
const section = (text: string): Block => ({ type: 'section', text: marked(text) })
const context = (text: string): Block => ({ type: 'context', elements: [marked(text)] })

function differenceBlocks({ change, links }: Message, { difference: room }: Room): Block[] {
  const { difference } = change.detail
  if (difference === null) return []
  if (typeof difference === 'string') return [context(escapedTo(difference, 300))]
  const code = differenceCode(difference, { page: links.page, room, markup: mrkdwn })
  return [...(code === null ? [] : [section(code)]), ...differenceNotes(difference, mrkdwn).map(section)]
}

function buttons(message: Message, { share }: Room): Block[] {
  const elements = messageLinks(message, maxUrl * share).map(({ label, url }) => {
    return { type: 'button' as const, text: plainText(label, 75), url }
  })
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}

function wordsOf(all: Message, { share }: Room): Block[] {
  const { change } = all
  const { prompt, message, problems } = change.detail
  const list = problems.slice(0, 5).map((problem) => `• ${named(problem, 200 * share)}`)
  const paragraphs = [
    prompt?.commitMessage ? quoted(prompt.commitMessage, 600 * share) : '',
    fromMarkdown(escapedTo(message ?? '', 1200 * share)),
    list.join('\n'),
    rowLines(all, { markup: mrkdwn, share }).join('\n'),
  ]
  return paragraphs.filter((text) => text.replaceAll('>', '').trim() !== '').map(section)
}

function foundBlocks(message: Message, { share }: Room): Block[] {
  const line = reconciledLine(message, { markup: mrkdwn, share })
  return line === '' ? [] : [context(line)]
}

function blocksOf(message: Message, room: Room): Block[] {
  const { change } = message
  const fields = fieldsOf(message, { markup: mrkdwn, share: room.share })
  const of = projectOf(message)
  const project = of === null ? [] : [`project ${named(of, 100)}`]
  return [
    // Slack decodes the three entities in `plain_text` too.
    { type: 'header', text: plainText(headerOf(message), 150) },
    ...(fields.length > 0
      ? [{ type: 'section', fields: fields.map(([name, value]) => marked(`*${name}*\n${value}`)) } as Block]
      : []),
    ...foundBlocks(message, room),
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

/** The one with the most room that Slack accepts. */
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

const colorOf = (messages: readonly Message[]): string =>
  messages.some(({ change }) => change.danger) ? danger : neutral

function lineOf(message: Message, share: number): string {
  const { change, links } = message
  const url = webUrl(links.page, 300 * share)
  const icon = change.danger ? '🔴' : lookOf(change).icon
  return `${icon} ${named(titleOf(message), 300 * share)}${url === null ? '' : ` ${link(url, 'What changed')}`}`
}

/** Up to 20 changes as one message, in the order given, one a line. */
export function slackDigest(messages: Message[]): SlackMessage {
  return fitting(({ share }) => {
    const lines = messages.map((message) => `${lineOf(message, share)}${foundMark(message)}`)
    const [first] = messages
    const text = `${messages.length} changes. ${first ? plain(titleOf(first), 200 * share) : ''} …`
    return card(text, colorOf(messages), lines.map(section))
  })
}

/** Any number of changes as one message, 20 of them in a line each. */
export function slackStorm(storm: Storm): SlackMessage {
  const { shown, left } = shownOf(storm, 20)
  const list = webUrl(storm.list, 500)
  const others = left > 0 ? [`… and ${left.toLocaleString('en')} more`] : []
  const all = list === null ? [] : [link(list, 'See all')]
  const last = [...others, ...all].join(' ')
  return fitting(({ share }) => {
    const lines = [...shown.map((message) => lineOf(message, share)), ...(last === '' ? [] : [last])]
    return card(stormTitle(storm), colorOf(storm.messages), lines.map(section))
  })
}
