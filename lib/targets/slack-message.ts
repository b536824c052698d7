import type { IncomingWebhookSendArguments } from '@slack/webhook'
import type { FactKind } from '../change.ts'
import type { Message } from '../delivery.ts'
import { differenceCode, differenceNotes } from './slack-difference.ts'
import { fromMarkdown, link, listed, named, said, webUrl } from './slack-text.ts'

/** Slack refuses a whole message near 13,200 characters (https://github.com/slackapi/bolt-js/issues/2509). */
const mostMessage = 12_500
/** Slack's limit is 3,000. */
const mostUrl = 2900

type Block = NonNullable<IncomingWebhookSendArguments['blocks']>[number]

const kinds: Record<FactKind, { words: string; icon: string; color: string }> = {
  'version-created': { words: 'New version', icon: '🆕', color: '#2563eb' },
  promoted: { words: 'Promoted', icon: '🚀', color: '#16a34a' },
  'rolled-back': { words: 'Rolled back', icon: '⏪', color: '#d97706' },
  'label-added': { words: 'Label added', icon: '🏷️', color: '#16a34a' },
  'label-removed': { words: 'Label removed', icon: '🏷️', color: '#d97706' },
  'tags-changed': { words: 'Tags', icon: '🔖', color: '#6b7280' },
  deleted: { words: 'Deleted', icon: '🗑️', color: '#d97706' },
  'first-seen': { words: 'First seen', icon: '👀', color: '#6b7280' },
  alert: { words: 'Alert', icon: '🔔', color: '#d97706' },
  recovered: { words: 'Recovered', icon: '✅', color: '#16a34a' },
  notification: { words: 'Langfuse', icon: '📣', color: '#d97706' },
  'given-up': { words: 'Given up', icon: '⛔', color: '#dc2626' },
  unchanged: { words: 'Unchanged', icon: '▫️', color: '#6b7280' },
  unrecognised: { words: 'Unrecognised', icon: '❔', color: '#6b7280' },
}
const danger = '#dc2626'
const neutral = '#2563eb'

/** How much of a message may be used: characters for the difference, a part of every other length. */
interface Room {
  difference: number
  share: number
}

/** Tried in this order until the whole fits: first the difference shrinks, then the rest. */
const rooms: readonly Room[] = [
  { difference: 2900, share: 1 },
  { difference: 1800, share: 1 },
  { difference: 1200, share: 0.5 },
  { difference: 0, share: 0.2 },
]

/** `verbatim`: Slack makes no links and mentions of what only looks like one. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const
const section = (text: string): Block => ({ type: 'section', text: mrkdwn(text) })
const context = (text: string): Block => ({ type: 'context', elements: [mrkdwn(text)] })
const quote = (text: string): string => text.replace(/^/gm, '> ')
type Field = [name: string, value: string]

function promptFields({ change, fact }: Message, { share }: Room): Field[] {
  const { prompt } = change.detail
  if (!prompt) return []
  const { labels, labelsBefore, tags, promptType } = prompt
  const list = (names: readonly string[]) => listed(names, 240 * share)
  const moved = 'from' in fact && 'to' in fact ? `v${fact.from} → v${fact.to}` : null
  const isSame = labelsBefore === null || labelsBefore.toSorted().join('\n') === labels.toSorted().join('\n')
  const before = isSame ? '' : `${list(labelsBefore)} → `
  return [
    ['Prompt', named(change.subject, 300 * share)],
    ['Version', moved ?? (change.version === null ? '–' : `v${change.version}`)],
    ['Labels', `${before}${list(labels)}`],
    ['Author', named(change.actor ?? 'unknown', 120 * share)],
    ...(tags.length > 0 ? [['Tags', list(tags)] satisfies Field] : []),
    ...(promptType === null ? [] : [['Type', named(promptType, 60)] satisfies Field]),
  ]
}

function otherFields({ change, fact }: Message): Field[] {
  const { environments } = change.detail
  return [
    ...('severity' in fact ? [['Severity', named(fact.severity, 60)] satisfies Field] : []),
    ...(environments.length > 0 ? [['Environments', listed(environments, 240)] satisfies Field] : []),
  ]
}

function differenceBlocks({ change, links }: Message, { difference: room }: Room): Block[] {
  const { difference } = change.detail
  if (difference === null) return []
  if (typeof difference === 'string') return [context(said(difference, 300))]
  const code = differenceCode(difference, links.page, room)
  return [...(code === null ? [] : [section(code)]), ...differenceNotes(difference).map(section)]
}

function buttons({ change, links }: Message, { share }: Room): Block[] {
  const told = change.detail.prompt === null ? change.detail.links.slice(0, 3) : []
  const into = told.length > 0 ? told : [{ label: 'Open in Langfuse', url: links.langfuse }]
  const elements = [...into, { label: 'What changed', url: links.page }].flatMap(({ label, url }) => {
    const href = webUrl(url, mostUrl * share)
    const text = { type: 'plain_text' as const, text: named(label, 75) }
    return href === null ? [] : [{ type: 'button' as const, text, url: href }]
  })
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}

function wordsOf({ change }: Message, { share }: Room): Block[] {
  const { prompt, message, problems } = change.detail
  const quoted = prompt?.commitMessage ? said(prompt.commitMessage, 600 * share) : ''
  const list = problems.slice(0, 5).map((problem) => `• ${named(problem, 200 * share)}`)
  const paragraphs = [quote(quoted), fromMarkdown(said(message ?? '', 1200 * share)), list.join('\n')]
  return paragraphs.filter((text) => text.replaceAll('>', '').trim() !== '').map(section)
}

function blocksOf(message: Message, room: Room): Block[] {
  const { change } = message
  const { words, icon } = kinds[change.kind]
  const fields = [...promptFields(message, room), ...otherFields(message)]
  const project = change.projectId === null ? [] : [`project ${named(change.projectId, 100)}`]
  // Slack reads the three entities in `plain_text` as well.
  const title = named(`${icon} ${words}: ${change.subject}`, 150)
  return [
    { type: 'header', text: { type: 'plain_text', text: title } },
    ...(fields.length > 0
      ? [{ type: 'section', fields: fields.map(([name, value]) => mrkdwn(`*${name}*\n${value}`)) } as Block]
      : []),
    ...wordsOf(message, room),
    ...differenceBlocks(message, room),
    ...buttons(message, room),
    context([...(change.test ? ['test'] : []), ...project, named(change.id, 60)].join(' · ')),
  ]
}

const card = (text: string, color: string, blocks: Block[]): IncomingWebhookSendArguments => ({
  text,
  attachments: [{ color, fallback: text, blocks }],
  link_names: false,
  unfurl_links: false,
  unfurl_media: false,
})

/** The first that Slack takes. */
function fitting(make: (room: Room) => IncomingWebhookSendArguments): IncomingWebhookSendArguments {
  const [roomiest = { difference: 0, share: 0.2 }, ...others] = rooms
  let message = make(roomiest)
  for (const room of others) {
    if (JSON.stringify(message).length <= mostMessage) break
    message = make(room)
  }
  return message
}

/** One change as a Slack message: its sentence, and a card in its colour. Within Slack's limits whatever the change holds. */
export function slackMessage(message: Message): IncomingWebhookSendArguments {
  const { title, danger: isDanger, kind } = message.change
  const color = isDanger ? danger : kinds[kind].color
  return fitting((room) => card(named(title, 800 * room.share), color, blocksOf(message, room)))
}

/** Up to 20 changes as one message, in the order given, a line each. */
export function slackDigest(messages: Message[]): IncomingWebhookSendArguments {
  const isDanger = messages.some(({ change }) => change.danger)
  return fitting(({ share }) => {
    const lines = messages.map(({ change, links }) => {
      const url = webUrl(links.page, 300 * share)
      const icon = change.danger ? '🔴' : kinds[change.kind].icon
      return `${icon} ${named(change.title, 300 * share)}${url === null ? '' : ` ${link(url, 'What changed')}`}`
    })
    const [first] = messages
    const text = `${messages.length} changes. ${first ? named(first.change.title, 200 * share) : ''} …`
    return card(text, isDanger ? danger : neutral, lines.map(section))
  })
}
