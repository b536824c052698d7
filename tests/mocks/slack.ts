import { type StandIn, startStandIn } from './stand-in.ts'
import type { TargetStandIn } from './targets.ts'

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

/** The blocks that the relay uses. */
const knownBlocks = ['header', 'section', 'context', 'actions', 'divider']

function longer(name: string, text: string | undefined, max: number): string[] {
  const length = text?.length ?? 0
  return length > max ? [`${name} has ${length} characters, the limit is ${max}`] : []
}

function elementProblems(element: SlackText | { text?: SlackText; url?: string }): string[] {
  if (typeof element.text === 'string') return longer('context text', element.text, 3000)
  const problems = longer('button text', element.text?.text, 75)
  if (!element.text?.text) problems.push('an element without text')
  if (!('url' in element)) return problems
  const isWeb = /^https?:\/\/\S+$/.test(element.url ?? '')
  return [...problems, ...longer('button URL', element.url, 3000), ...(isWeb ? [] : ['a button URL is none'])]
}

function blockProblems(block: SlackBlock): string[] {
  const { type = '', text, fields, elements } = block
  if (!knownBlocks.includes(type)) return [`unknown block ${type}`]
  const problems = longer(type, text?.text, type === 'header' ? 150 : 3000)
  if (type === 'header' && text?.type !== 'plain_text') problems.push('a header takes plain_text')
  if (type === 'section' && !text?.text && !fields?.length) problems.push('a section without text')
  if ((fields?.length ?? 0) > 10) problems.push(`${fields?.length} fields, the limit is 10`)
  for (const field of fields ?? []) {
    problems.push(...longer('field', field.text, 2000))
    if (!field.text) problems.push('an empty field')
  }
  const isList = type === 'context' || type === 'actions'
  if (isList && !elements?.length) problems.push(`${type} without elements`)
  if ((elements?.length ?? 0) > (type === 'context' ? 10 : 25)) problems.push('too many elements')
  return [...problems, ...(elements ?? []).flatMap(elementProblems)]
}

const everyText = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(everyText) : []
}

/** What must not be in a message: a mention, a link other than to http(s), text after a code block that a name closed. */
function tricks(message: unknown): string[] {
  const texts = everyText(message)
  const mentions = texts.flatMap((one) => one.match(/<[!@#][^>]*>|<(?!https?:\/\/)[^>]*>/g) ?? [])
  const open = texts.filter((one) => (one.split('```').length - 1) % 2 === 1 || one.split('```').length > 3)
  return [...mentions.map((mention) => `unescaped ${mention}`), ...open.map(() => 'a broken code block')]
}

/**
 * What real Slack would refuse in a message (limits of https://docs.slack.dev/reference/block-kit/blocks and
 * https://github.com/slackapi/bolt-js/issues/2509), and what must not be in one.
 */
export function slackProblems(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return ['no message']
  const { text, blocks = [], attachments = [] } = message as SlackMessage
  const all = [blocks, ...attachments.map((attachment) => attachment.blocks ?? [])]
  const size = JSON.stringify(message).length
  return [
    ...(text ? [] : ['no text']),
    ...longer('text', text, 4000),
    ...(attachments.length > 100 ? ['too_many_attachments'] : []),
    ...all.filter((list) => list.length > 50).map((list) => `${list.length} blocks, the limit is 50`),
    ...all.flat().flatMap(blockProblems),
    ...(size >= 13_000 ? [`${size} characters in all, the limit is near 13,200`] : []),
    ...tricks(message),
  ]
}

const secret = 'standInSecret0123'
const path = `/services/T0STANDIN/B0STANDIN/${secret}`

/** Slack's incoming webhooks: `url` is the webhook. Refuses what Slack would refuse, in Slack's words. */
export async function startSlackStandIn(port?: number): Promise<StandIn> {
  const server = await startStandIn(({ method, path: requested, headers, body }) => {
    if (requested !== path) return { status: 404, body: 'no_service' }
    if (method !== 'POST') return { status: 405, body: 'method_not_allowed' }
    const isJson = headers['content-type']?.startsWith('application/json')
    return isJson && slackProblems(body).length === 0
      ? { status: 200, body: 'ok' }
      : { status: 400, body: 'invalid_payload' }
  }, port)
  return { ...server, url: `${server.url}${path}` }
}

export const slack: TargetStandIn<'slack'> = {
  start: ({ port } = {}) => startSlackStandIn(port),
  target: (url) => ({ type: 'slack', url: new URL(path, url).href }),
  secret,
}
