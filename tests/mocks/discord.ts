import { type StandIn, startStandIn } from './stand-in.ts'
import type { TargetStandIn } from './targets.ts'

interface Embed {
  title?: string
  url?: string
  description?: string
  color?: number
  fields?: { name?: string; value?: string }[]
  footer?: { text?: string }
}

interface Message {
  content?: string
  embeds?: Embed[]
  allowed_mentions?: unknown
}

/** Discord counts characters, and neither blanks around a text nor texts of blanks alone. */
const sizeOf = (text: string | undefined): number => [...(text ?? '').trim()].length

function lengthProblems(name: string, text: string | undefined, max: number): string[] {
  if (text === undefined) return []
  if (sizeOf(text) === 0) return [`${name}: This field is required`]
  return sizeOf(text) > max ? [`${name}: Must be ${max} or fewer in length.`] : []
}

function embedProblems({ title, url, description, color = 0, fields = [], footer }: Embed): string[] {
  return [
    ...lengthProblems('title', title, 256),
    ...lengthProblems('description', description, 4096),
    ...(title === undefined && description === undefined ? ['description: This field is required'] : []),
    ...(url === undefined || /^https?:\/\/\S{1,2040}$/.test(url) ? [] : ['url: Not a well formed URL.']),
    ...(Number.isInteger(color) && color >= 0 && color <= 0xffffff ? [] : ['color: Not an integer']),
    ...(fields.length > 25 ? ['fields: Must be 25 or fewer in length.'] : []),
    ...fields.flatMap(({ name = '', value = '' }) => [
      ...lengthProblems('name', name, 256),
      ...lengthProblems('value', value, 1024),
    ]),
    ...lengthProblems('text', footer?.text, 2048),
  ]
}

const textsOf = ({ title, description, fields = [], footer }: Embed): (string | undefined)[] => [
  title,
  description,
  ...fields.flatMap(({ name, value }) => [name, value]),
  footer?.text,
]

/** What Discord finds in the raw text of `content`, and shows as a card. */
const invites = (content = ''): string[] =>
  (content.match(/discord(app)?\.(gg|gift|new|com\/invite)\//gi) ?? []).map((one) => `an invite: ${one}`)

/** What must not be in a message: a mention, and a link that the relay did not write. Code and what is escaped do nothing. */
function tricks(text: string): string[] {
  const acting = text
    .replace(/```diff\n[\s\S]*?```/g, '')
    .replace(/\\[^0-9A-Za-z\s]/g, 'x')
    .replace(/`[^`\n]*`/g, 'x')
    .replace(/\[[A-Za-z ]+\]\(https?:\/\/[^\s()<>\\]+\)/g, '')
  const found = acting.match(/@|<[@#:!/t]|https?:\/\/|\]\(|```|^\s*(#{1,3} |-# |>>> )/gm) ?? []
  return found.map((one) => `unescaped ${one}`)
}

/** What Discord would refuse in a message (https://docs.discord.com/developers/resources/message#embed-object-embed-limits), and what must not be in one. */
export function discordProblems(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return ['The request body contains invalid JSON.']
  const { content, embeds = [], allowed_mentions } = body as Message
  const all = embeds.flatMap(textsOf)
  const total = all.reduce((sum, text) => sum + sizeOf(text), 0)
  // A footer has no marks.
  const marked = [content, ...embeds.flatMap(({ footer: _, ...embed }) => textsOf(embed))]
  return [
    ...(sizeOf(content) === 0 && embeds.length === 0 ? ['Cannot send an empty message'] : []),
    ...lengthProblems('content', content, 2000),
    ...(embeds.length > 10 ? ['embeds: Must be 10 or fewer in length.'] : []),
    ...embeds.flatMap(embedProblems),
    ...(total > 6000 ? ['embeds: Embed size exceeds maximum size of 6000'] : []),
    ...(JSON.stringify(allowed_mentions) === '{"parse":[]}' ? [] : ['mentions are allowed']),
    ...invites(content),
    ...marked.flatMap((text) => tricks(text ?? '')),
  ]
}

const id = '123456789012345678'
const token = 'standInToken-0123456789_abcdefghijklmnop'
const path = `/api/webhooks/${id}/${token}`

const json = (status: number, body: object) => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

/** Discord's webhooks: `url` is the webhook. Refuses what Discord would refuse, in Discord's words. */
export async function startDiscordStandIn(port?: number): Promise<StandIn> {
  const server = await startStandIn(({ method, path: requested, headers, body }) => {
    const { pathname, searchParams } = new URL(requested, 'http://localhost')
    if (pathname !== path) return json(404, { message: 'Unknown Webhook', code: 10015 })
    if (method === 'GET') return json(200, { id, token, type: 1, name: 'Prompt Relay' })
    if (method !== 'POST') return json(405, { message: '405: Method Not Allowed', code: 0 })
    const [problem] = headers['content-type']?.startsWith('application/json')
      ? discordProblems(body)
      : ['The request body contains invalid JSON.']
    if (problem !== undefined)
      return json(400, { message: 'Invalid Form Body', code: 50035, errors: { _errors: [problem] } })
    return searchParams.get('wait') === 'true'
      ? json(200, { id: '1', webhook_id: id, ...(body as object) })
      : { status: 204 }
  }, port)
  return { ...server, url: `${server.url}${path}` }
}

export const discord: TargetStandIn<'discord'> = {
  start: ({ port } = {}) => startDiscordStandIn(port),
  target: (url) => ({ type: 'discord', url: new URL(path, url).href, perSecond: 0 }),
  secret: token,
}
