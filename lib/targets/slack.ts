import { IncomingWebhook, type IncomingWebhookSendArguments } from '@slack/webhook'
import type { ChangeDetail, FactKind } from '../change.ts'
import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { SlackTarget } from '../rules.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from './http.ts'
import { differenceLines } from './slack-difference.ts'
import { cut, visible } from './text.ts'

/** Slack refuses a whole message near 13,200 characters (bolt-js#2509). */
const mostMessage = 12_500
/** https://docs.slack.dev/reference/block-kit/blocks */
const mostUrl = 2500

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

/** Slack's own escaping, no more: after it no name can ping a channel or make a link. */
const escaped = (text: string): string =>
  visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** At most `most` characters as escaped, no entity cut in half. */
const said = (text: string, most: number): string => cut(escaped(text), most).replace(/&[a-z]*…$/, '…')

/** `verbatim`: Slack makes no links and mentions of what only looks like one. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text, verbatim: true }) as const
const section = (text: string): Block => ({ type: 'section', text: mrkdwn(text) })
const quote = (text: string): string =>
  text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n')

const listed = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : '–')

function labelsField({ labels, labelsBefore }: NonNullable<ChangeDetail['prompt']>): string {
  const now = listed(labels)
  if (labelsBefore === null || listed(labelsBefore) === now) return now
  return `${listed(labelsBefore)} → ${now}`
}

function versionField(message: Message): string {
  const { fact, change } = message
  if ('from' in fact && 'to' in fact) return `v${fact.from} → v${fact.to}`
  return change.version === null ? '–' : `v${change.version}`
}

function fieldsOf(message: Message): [string, string][] {
  const { change } = message
  const { prompt } = change.detail
  if (!prompt) return []
  return [
    ['Prompt', change.subject],
    ['Version', versionField(message)],
    ['Labels', labelsField(prompt)],
    ['Author', change.actor ?? 'unknown'],
    ...(prompt.tags.length > 0 ? [['Tags', listed(prompt.tags)] as [string, string]] : []),
    ...(prompt.promptType === null ? [] : [['Type', prompt.promptType] as [string, string]]),
  ]
}

function differenceBlocks(message: Message, room: number): Block[] {
  const { difference } = message.change.detail
  if (difference === null) return []
  if (typeof difference === 'string') return [{ type: 'context', elements: [mrkdwn(said(difference, 300))] }]
  const { code, notes } = differenceLines(difference, message.links.page, room, escaped)
  return [...(code === null ? [] : [section(code)]), ...notes.map((note) => section(said(note, 600)))]
}

function buttonsOf({ links }: Message): Block[] {
  const button = (text: string, url: string | null) =>
    url === null || url.length > mostUrl
      ? []
      : [{ type: 'button' as const, text: { type: 'plain_text' as const, text }, url }]
  const elements = [...button('Open in Langfuse', links.langfuse), ...button('What changed', links.page)]
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}

function blocksOf(message: Message, room: number): Block[] {
  const { change } = message
  const { prompt, message: words } = change.detail
  const { words: kind, icon } = kinds[change.kind]
  const fields = fieldsOf(message).map(([name, value]) => mrkdwn(`*${name}*\n${said(value, 300)}`))
  const ids = [change.projectId === null ? '' : `project ${said(change.projectId, 100)}`, change.id]
  return [
    {
      type: 'header',
      text: { type: 'plain_text', text: cut(visible(`${icon} ${kind}: ${change.subject}`), 150) },
    },
    ...(fields.length > 0 ? [{ type: 'section', fields } as Block] : []),
    ...(prompt?.commitMessage ? [section(quote(said(prompt.commitMessage, 500)))] : []),
    ...(words ? [section(said(words, 1000))] : []),
    ...differenceBlocks(message, room),
    ...buttonsOf(message),
    { type: 'context', elements: [mrkdwn(ids.filter((id) => id !== '').join(' · '))] },
  ]
}

/**
 * One change as a Slack message: the sentence, and a card with its colour. Within Slack's limits whatever the
 * change holds: the difference takes what room is left.
 */
export function slackMessage(message: Message): IncomingWebhookSendArguments {
  const { change } = message
  const text = said(change.title, 600)
  const color = change.danger ? danger : kinds[change.kind].color
  const withRoom = (room: number): IncomingWebhookSendArguments => ({
    text,
    attachments: [{ color, fallback: text, blocks: blocksOf(message, room) }],
    unfurl_links: false,
    unfurl_media: false,
  })
  let room = 2900
  while (room > 100 && JSON.stringify(withRoom(room)).length > mostMessage) room = Math.floor(room / 2)
  return withRoom(room)
}

/** Up to 20 changes as one message, oldest first, a line each. */
export function slackDigest(messages: Message[]): IncomingWebhookSendArguments {
  const text = `${messages.length} changes of prompts`
  const line = ({ change, links }: Message): Block => {
    const icon = change.danger ? '🔴' : kinds[change.kind].icon
    const more = links.page === null ? '' : ` <${links.page}|What changed>`
    return section(`${icon} ${said(change.title, 300)}${more}`)
  }
  const isDanger = messages.some(({ change }) => change.danger)
  return {
    text,
    attachments: [{ color: isDanger ? danger : '#2563eb', fallback: text, blocks: messages.map(line) }],
    unfurl_links: false,
    unfurl_media: false,
  }
}

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const fixes = new Map([
  ['invalid_payload', 'it could not read the message. This is a bug of the relay: please report it'],
  ['no_text', 'it found no text in the message. This is a bug of the relay: please report it'],
  [
    'too_many_attachments',
    'the message has too many attachments. This is a bug of the relay: please report it',
  ],
  ['no_service', 'the webhook was removed or switched off. Make a new one and set its URL'],
  ['no_team', 'the workspace is gone. Make a new webhook and set its URL'],
  ['team_disabled', 'the workspace is switched off'],
  ['invalid_token', 'the URL is not complete or was revoked. Make a new webhook and set its URL'],
  ['channel_not_found', 'the channel is gone. Make a webhook for another one and set its URL'],
  ['channel_is_archived', 'the channel is archived. Unarchive it, or make a webhook for another one'],
  ['action_prohibited', 'an admin of the workspace has restricted posting to this channel'],
  [
    'posting_to_general_channel_denied',
    'only admins may post to #general. Make a webhook for another channel',
  ],
  ['user_not_found', 'the person it wrote to is gone. Make a new webhook and set its URL'],
])

/** Slack says why in plain text; a 200 that is not `ok` was not posted. */
export function classifySlack(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('Slack', answer, now)
  const code = answer.body.trim()
  if (verdict.outcome === 'delivered') {
    if (code === 'ok') return verdict
    const reason = `Slack answered ${answer.status}, but not "ok": ${cut(visible(code), 100)}`
    return { outcome: 'retry', reason, retryAfterMs: null }
  }
  if (verdict.outcome !== 'failed') return verdict
  const fix = fixes.get(code)
  if (fix) return { outcome: 'failed', reason: `Slack answered ${answer.status} ${code}: ${fix}.` }
  const detail = code === '' ? 'Check the webhook URL' : cut(visible(code), 200)
  return { outcome: 'failed', reason: `${verdict.reason}: ${detail}` }
}

async function post(
  target: SlackTarget,
  body: IncomingWebhookSendArguments,
  context: SendContext,
): Promise<Outcome> {
  const seen = await exchange(context, (fetch) =>
    new IncomingWebhook(target.url, { fetch: (url, init) => fetch(url, init) }).send(body),
  )
  return outcomeOf('Slack', seen, (answer) => classifySlack(answer, context.now()))
}

export const sendSlack = (target: SlackTarget, message: Message, context: SendContext): Promise<Outcome> =>
  post(target, slackMessage(message), context)

export const sendSlackDigest = (target: SlackTarget, messages: Message[], context: SendContext) =>
  post(target, slackDigest(messages), context)
