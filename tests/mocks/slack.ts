import { type StandIn, startStandIn } from './stand-in.ts'

interface SlackText {
  type?: string
  text?: string
}

interface SlackBlock {
  type?: string
  text?: SlackText
  fields?: SlackText[]
  elements?: (SlackText | { text?: SlackText; url?: string })[]
}

interface SlackMessage {
  text?: string
  blocks?: SlackBlock[]
  attachments?: { color?: string; fallback?: string; blocks?: SlackBlock[] }[]
}

const knownBlocks = ['header', 'section', 'context', 'actions', 'divider']

function longer(name: string, text: string | undefined, most: number): string[] {
  const length = text?.length ?? 0
  return length > most ? [`${name} has ${length} characters, the limit is ${most}`] : []
}

function blockProblems(block: SlackBlock): string[] {
  const { type = '', text, fields, elements } = block
  if (!knownBlocks.includes(type)) return [`unknown block ${type}`]
  const problems = longer(type, text?.text, type === 'header' ? 150 : 3000)
  if (type === 'header' && text?.type !== 'plain_text') problems.push('a header takes plain_text')
  if (type === 'section' && !text?.text && !fields?.length) problems.push('a section without text')
  if ((fields?.length ?? 0) > 10) problems.push(`${fields?.length} fields, the limit is 10`)
  for (const field of fields ?? []) problems.push(...longer('field', field.text, 2000))
  if ((elements?.length ?? 0) > (type === 'context' ? 10 : 25)) problems.push('too many elements')
  for (const element of elements ?? []) {
    if (typeof element.text === 'string') problems.push(...longer('context text', element.text, 3000))
    else problems.push(...longer('button text', element.text?.text, 75))
    if ('url' in element) problems.push(...longer('button URL', element.url, 3000))
  }
  return problems
}

const everyText = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(everyText) : []
}

/**
 * What real Slack would refuse in a message (limits of https://docs.slack.dev/reference/block-kit/blocks and
 * bolt-js#2509), and what nobody wants in one: mentions, and links other than to http(s).
 */
export function slackProblems(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return ['no message']
  const { text, blocks = [], attachments = [] } = message as SlackMessage
  const all = [blocks, ...attachments.map((attachment) => attachment.blocks ?? [])]
  const size = JSON.stringify(message).length
  const mentions = everyText(message).flatMap(
    (one) => one.match(/<[!@#][^>]*>|<(?!https?:\/\/)[^>]*>/g) ?? [],
  )
  return [
    ...(text ? [] : ['no text']),
    ...longer('text', text, 4000),
    ...all.filter((list) => list.length > 50).map((list) => `${list.length} blocks, the limit is 50`),
    ...all.flat().flatMap(blockProblems),
    ...(size >= 13_000 ? [`${size} characters in all, the limit is near 13,200`] : []),
    ...mentions.map((mention) => `unescaped ${mention}`),
  ]
}

const path = '/services/T0STANDIN/B0STANDIN/standInSecret0123'

/** Slack's incoming webhooks: `url` is the webhook. Refuses what Slack would refuse, in Slack's words. */
export async function startSlackStandIn(port?: number): Promise<StandIn> {
  const server = await startStandIn(({ method, path: asked, body }) => {
    if (asked !== path) return { status: 404, body: 'no_service' }
    if (method !== 'POST') return { status: 405, body: 'method_not_allowed' }
    return slackProblems(body).length > 0
      ? { status: 400, body: 'invalid_payload' }
      : { status: 200, body: 'ok' }
  }, port)
  return { ...server, url: `${server.url}${path}` }
}
