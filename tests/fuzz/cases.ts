import { createHmac } from 'node:crypto'
import { type Env, readEnv } from '#lib/base/env.ts'
import { createDirectory } from '#lib/core/rules/project-directory.ts'
import { answerCallback } from '#lib/endpoints/callback.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { readPrompt } from '#lib/langfuse/api/read-prompt.ts'
import { openCallback } from '#lib/langfuse/callback.ts'
import { openReconciled } from '#lib/langfuse/reconciled.ts'
import { readStored } from '#lib/langfuse/stored-event.ts'
import { type Arrival, eventRow } from '#lib/pipeline/arrival.ts'
import type { Received } from '#lib/pipeline/receive.ts'
import { fixture, fixtureNames, secret, sign, t } from '../fixtures.ts'
import { langfuseProject } from '../projects.ts'
import { mutateBytes, mutateHeader, mutateJson } from './mutate.ts'
import type { Random } from './random.ts'

const now = t * 1000
/** Of a project whose id is not known: each event is stored apart, under whatever project it names. */
const directory = createDirectory([langfuseProject({ name: 'fuzz', webhookSecrets: [secret] })])
const callbackToken = 'fuzz-callback-token-0123456789'
const large = '03-prompt-created-200kb.json'
const small = fixtureNames.filter((name) => name !== large).map(fixture)
const callbacks = [fixture('x2-web-callout.json')]
const flat = {
  event: 'prompt.updated',
  timestamp: new Date(now).toISOString(),
  data: { promptName: 'a/b', promptVersion: 3, projectId: 'p1', labels: ['production'], tags: ['x'] },
}
const trace = {
  event: 'trace.created',
  timestamp: flat.timestamp,
  data: { id: 't1', traceId: 't1', projectId: 'p1', name: 'agent' },
}
const bodies = [...small, Buffer.from(JSON.stringify(flat)), Buffer.from(JSON.stringify(trace))]
const largeBody = fixture(large)

const promptRow = {
  ...{
    id: 'p1',
    projectId: 'project',
    name: 'a/b',
    version: 3,
    labels: ['latest', 'x'],
    tags: ['y'],
    type: 'text',
  },
  ...{ prompt: 'Hello', config: { a: 1 }, commitMessage: null, createdBy: 'API' },
  ...{ createdAt: flat.timestamp, updatedAt: flat.timestamp },
}
const { name, type, labels, tags } = promptRow
const listed = { name, type, versions: [1, 3], labels, tags, lastUpdatedAt: flat.timestamp, lastConfig: {} }
const listing = { data: [listed], meta: { page: 1, limit: 1, totalItems: 1, totalPages: 1 } }

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret, CALLBACK_TOKEN: callbackToken })

/** What one input led to, for the sum at the end. */
export type Ended = string

/** The store as far as an endpoint sees it: takes what both engines take. */
export type Take = (arrival: Arrival) => Promise<Received>

function checkArrival(arrival: Arrival): void {
  const row = eventRow(arrival, { id: 'evt_1', changeId: 'chg_1' })
  const { body: _, ...columns } = row
  // Postgres takes no NUL in a text, and no index entry above 2,704 bytes.
  if (JSON.stringify(columns).includes('\\u0000')) throw new Error('A NUL would go into a column')
  for (const name of ['subject', 'project_id', 'dedupe_key', 'twin_key'] as const)
    if (Buffer.byteLength(row[name] ?? '') > 2700) throw new Error(`${name} is too long for an index`)
  for (const name of ['occurred_at', 'received_at', 'size'] as const)
    if (!Number.isSafeInteger(row[name])) throw new Error(`${name} is ${row[name]}`)
  readStored(arrival)
}

async function atEndpoint(
  body: Buffer,
  header: string | null,
  take: Take,
): Promise<{ response: Response; arrival: Arrival | null }> {
  const seen: { arrival: Arrival | null } = { arrival: null }
  const headers = new Headers(header === null ? {} : { 'x-langfuse-signature': header })
  const request = new Request('http://relay.test/', {
    method: 'POST',
    headers,
    body: new Uint8Array(body),
  })
  const receive: Take = async (given) => {
    seen.arrival = given
    checkArrival(given)
    return take(given)
  }
  const response = await answerWebhook(request, {
    env: env as Env,
    directory,
    now: () => now,
    receive,
    reject: async () => {},
  })
  return { response, ...seen }
}

async function checkAnswer(response: Response): Promise<void> {
  if (response.status >= 500) throw new Error(`Answered ${response.status}: ${await response.text()}`)
  const text = await response.text()
  if (text.includes(secret) || text.includes(callbackToken)) throw new Error('The answer holds a secret')
  if (/\bat .*\.ts:\d/.test(text)) throw new Error('The answer holds a stack')
  JSON.parse(text)
}

/** Whether someone who knows the secret signed this, judged by the header's content, not by how it is parsed. */
function isSigned(body: Buffer, header: string): boolean {
  const lower = header.toLowerCase()
  const hexes: string[] = lower.match(/[0-9a-f]{64}/g) ?? []
  const times = lower.match(/\d+/g) ?? []
  const hmac = (prefix: string) => createHmac('sha256', secret).update(prefix).update(body).digest('hex')
  const isFresh = (time: string) => Math.abs(Number(time) - t) <= 300
  return hexes.includes(hmac('')) || times.some((time) => isFresh(time) && hexes.includes(hmac(`${time}.`)))
}

const pickBody = (random: Random): Buffer => (random.below(2000) === 0 ? largeBody : random.pick(bodies))
const mutated = (body: Buffer, random: Random): Buffer =>
  body !== largeBody && random.next() < 0.5 ? mutateJson(body, random) : mutateBytes(body, random, bodies)

async function forged(body: Buffer, header: string | null, take: Take): Promise<Ended> {
  const { response, arrival } = await atEndpoint(body, header, take)
  await checkAnswer(response)
  const isAccepted = arrival !== null || response.status < 300
  if (isAccepted && (header === null || !isSigned(body, header))) throw new Error('A forged one was accepted')
  return String(response.status)
}

/** Each makes one input, gives it to the code and checks what came of it. */
export const cases: Record<string, (random: Random, take: Take) => Promise<Ended>> = {
  'a signature header that was changed': (random, take) => {
    const body = pickBody(random)
    const header = sign(body, { scheme: random.next() < 0.8 ? 'v1' : 'bare' })
    return forged(body, mutateHeader(header, random), take)
  },
  'a body that was changed under its signature': (random, take) => {
    const body = pickBody(random)
    return forged(mutated(body, random), sign(body, { scheme: random.next() < 0.8 ? 'v1' : 'bare' }), take)
  },
  'a body signed with another secret, or not at all': (random, take) => {
    const body = mutated(pickBody(random), random)
    const other = sign(body, { secret: `${secret}0`, scheme: random.pick(['v1', 'bare']) })
    return forged(body, random.next() < 0.2 ? null : other, take)
  },
  'a changed body that is signed right': async (random, take) => {
    const body = mutated(pickBody(random), random)
    const { response, arrival } = await atEndpoint(
      body,
      sign(body, { scheme: random.next() < 0.9 ? 'v1' : 'bare' }),
      take,
    )
    await checkAnswer(response)
    if ((arrival !== null) !== response.status < 300)
      throw new Error(`Answered ${response.status}, but stored otherwise`)
    return arrival === null ? String(response.status) : `${response.status} ${arrival.event.type}`
  },
  'a callback that was changed': async (random) => {
    const [callback = Buffer.alloc(0)] = callbacks
    const body = random.next() < 0.6 ? mutateJson(callback, random) : mutateBytes(callback, random, bodies)
    const opened = openCallback(body)
    for (const { body: kept } of opened.ok ? opened.items : [])
      readStored({ source: 'langfuse-callback', signature: 'token', body: kept })
    const isKnown = random.next() < 0.8
    const headers = {
      authorization: isKnown ? `Bearer ${callbackToken}` : mutateHeader(`Bearer ${callbackToken}`, random),
    }
    const request = new Request('http://relay.test/', {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    let stored = 0
    const response = await answerCallback(request, {
      env: env as Env,
      now: () => now,
      address: '192.0.2.1',
      reject: async () => {},
      take: async ({ items }) => {
        stored = items.length
        return { ok: true, stored, repeated: 0 }
      },
    })
    await checkAnswer(response)
    if ((response.status === 202) !== stored > 0) throw new Error('Answered otherwise than it stored')
    if (stored > 0 && !opened.ok) throw new Error('What cannot be read was stored')
    return String(response.status)
  },
  "an answer of Langfuse's API that was changed": async (random) => {
    // Half of the versions' answers fit their listing, so that there is something to store.
    const isChanged = [random.next() < 0.5, random.next() < 0.8]
    const fetch: typeof globalThis.fetch = async (input) => {
      const isListing = new URL(new Request(input).url).pathname.endsWith('/v2/prompts')
      const bytes = Buffer.from(JSON.stringify(isListing ? listing : promptRow))
      const body = isChanged[isListing ? 0 : 1] ? mutateJson(bytes, random) : bytes
      return new Response(new Uint8Array(body), { status: random.next() < 0.95 ? 200 : 404 })
    }
    const api = { baseUrl: 'http://langfuse.test', publicKey: 'pk', secretKey: 'sk', fetch }
    const read = await readPrompt(api, { projectId: 'project', name, known: [] })
    if (!read.ok) {
      if (read.message.length > 1000) throw new Error('The reason is too long')
      return read.isChanging ? 'changing' : 'failed'
    }
    for (const version of read.versions) {
      const reconciled = { readAt: now, knownAt: null }
      const found = { projectId: 'project', name, action: 'created', version, reconciled, look: 1 } as const
      const opened = openReconciled(found)
      if (opened.event.type !== 'prompt-version') throw new Error('What was read cannot be stored')
      const came = { receivedAt: now, headers: '{}', signature: '', secretHint: '', test: false }
      checkArrival({ ...opened, source: 'langfuse-reconcile', ...came })
    }
    return `read ${read.versions.length > 0 ? 'versions' : 'nothing'}`
  },
}
