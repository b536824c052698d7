import { once } from 'node:events'
import { Agent, createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { processState } from '#lib/base/process-state.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'
import { openDirectEndpoints } from '#lib/server/direct.ts'
import { screenRequests } from '#lib/server/request-screen.ts'
import { onEachServer } from '#lib/server/server-hooks.ts'
import type { RejectionRow } from '#lib/store/schema.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'

onEachServer((one) => {
  openDirectEndpoints(one)
  screenRequests(one)
})

const path = '/api/webhooks/langfuse'
const body = fixture('01-prompt-created-text.json')
const signature = sign(body)

let server: Server
let port: number
let arrivals: Arrival[]
let rejections: RejectionRow[]

async function endpoint(incoming: Request): Promise<Response> {
  const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
  if (!env) throw new Error('The configuration has problems')
  return answerWebhook(incoming, {
    env,
    now: () => t * 1000,
    receive: async (arrival) => {
      arrivals.push(arrival)
      return { status: 'accepted', eventId: 'evt_1' }
    },
    reject: async (rejection) => {
      rejections.push(rejection)
    },
  })
}

beforeEach(async () => {
  arrivals = []
  rejections = []
  // Stands in for Next, and answers what reaches it.
  server = createServer((incoming, response) => {
    incoming.resume()
    response.setHeader('x-by', 'next').end(`${incoming.method} ${incoming.url}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterEach(async () => {
  delete processState.promptRelayWebhookHandler
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

interface Sent {
  method?: string
  path?: string
  body?: Uint8Array | null
  headers?: Record<string, string | number>
  agent?: Agent
}

async function send({ method = 'POST', body: sent = body, headers = {}, agent, ...to }: Sent = {}) {
  const sending = request({ port, host: '127.0.0.1', path: to.path ?? path, method, headers, agent })
  // A refused sender may find the connection closed before it has sent everything.
  sending.on('error', () => undefined)
  sending.end(sent ?? undefined)
  const [response] = await once(sending, 'response')
  const text = Buffer.concat(await response.toArray()).toString()
  return {
    status: response.statusCode,
    by: response.headers['x-by'] ?? 'endpoint',
    text,
    headers: response.headers,
  }
}

const signed = { 'x-langfuse-signature': signature, 'content-type': 'application/json' }

describe('before the route is loaded', () => {
  it('a webhook goes to Next, which loads it', async () => {
    expect(await send({ headers: signed })).toMatchObject({ by: 'next', text: `POST ${path}` })
  })
})

describe('once the route is loaded', () => {
  beforeEach(() => {
    processState.promptRelayWebhookHandler = endpoint
  })

  it('a webhook goes straight to it, with the bytes, headers and address of the sender', async () => {
    const answer = await send({ headers: signed })
    expect(answer).toMatchObject({ by: 'endpoint', status: 202, headers: { 'cache-control': 'no-store' } })
    expect(JSON.parse(answer.text)).toEqual({ status: 'accepted', eventId: 'evt_1' })
    const [arrival] = arrivals
    expect(Buffer.from(arrival?.body ?? []).equals(body)).toBe(true)
    expect(JSON.parse(arrival?.headers ?? '')).toMatchObject({
      'content-type': 'application/json',
      'x-forwarded-for': '127.0.0.1',
    })
  })

  it('keeps the address that a proxy reported', async () => {
    await send({ headers: { ...signed, 'x-forwarded-for': '203.0.113.9' } })
    expect(JSON.parse(arrivals[0]?.headers ?? '')).toMatchObject({ 'x-forwarded-for': '203.0.113.9' })
  })

  it.each([
    ['another path', { path: '/api/health' }],
    ['a path below it', { path: `${path}/more` }],
    ['a path that begins like it', { path: `${path}2` }],
    ['another method', { method: 'GET', body: null }],
  ])('%s is still Next’s', async (_, sent) => {
    expect(await send(sent)).toMatchObject({ by: 'next' })
  })

  it.each([
    ['a query', { path: `${path}?from=%zz` }],
    ['a host that is none', { headers: { ...signed, host: '[no host' } }],
  ])('%s changes nothing', async (_, sent) => {
    expect(await send({ headers: signed, ...sent })).toMatchObject({ by: 'endpoint', status: 202 })
  })

  it.each([
    ['tampered', { body: Buffer.from('{}'), headers: signed }, 401, 'signature-mismatch'],
    ['unsigned', { headers: { 'content-type': 'application/json' } }, 401, 'signature-missing'],
    [
      'declared to be too large',
      {
        body: Buffer.alloc(5 * 1024 * 1024 + 1),
        headers: { ...signed, 'content-length': 5 * 1024 * 1024 + 1 },
      },
      413,
      'too-large',
    ],
    [
      'too large without a word',
      { body: Buffer.alloc(6 * 1024 * 1024), headers: { ...signed, 'transfer-encoding': 'chunked' } },
      413,
      'too-large',
    ],
  ])('a body that is %s is refused and kept as a rejection', async (_, sent, status, reason) => {
    const answer = await send(sent)
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([status, reason])
    expect(rejections).toMatchObject([{ reason, status_code: status, address: '127.0.0.1' }])
  })

  it('leaves no connection waiting that sent too much, and answers the next one', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const large = {
      body: Buffer.alloc(6 * 1024 * 1024),
      headers: { ...signed, 'transfer-encoding': 'chunked' },
    }
    expect(await send({ ...large, agent })).toMatchObject({ status: 413 })
    expect(await send({ headers: signed, agent })).toMatchObject({ status: 202 })
    agent.destroy()
  })

  it('records a sender that disconnects', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST ${path} HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nhalf`)
    await once(socket, 'ready')
    setTimeout(() => socket.destroy(), 50)
    await vi.waitFor(() => expect(rejections).toMatchObject([{ reason: 'aborted', size: 4 }]))
    expect(await send({ headers: signed })).toMatchObject({ status: 202 })
  })

  it('logs a bug in it and answers 500, and answers the next webhook', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    let calls = 0
    processState.promptRelayWebhookHandler = async (incoming) => {
      if (++calls === 1) throw new Error('a bug')
      return endpoint(incoming)
    }
    expect(await send({ headers: signed })).toMatchObject({ status: 500 })
    expect(logged.mock.calls.flat().join()).toContain('a bug')
    logged.mockRestore()
    expect(await send({ headers: signed })).toMatchObject({ status: 202 })
  })
})
