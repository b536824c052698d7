import { trace } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { beginSpan, flushSpans, traceHeaders } from '#lib/base/tracing.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { startTracing } from '#lib/server/start-tracing.ts'
import { fixture, secret, sign } from '../fixtures.ts'
import { type StandIn, startStandIn } from '../mocks/stand-in.ts'
import { fetchDouble, ok, simulatedLoop, slackTargets, slackUrl, watchStore } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const sender = `00-${traceId}-00f067aa0ba902b7-01`

interface SentSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  links?: { traceId: string }[]
}

let collector: StandIn
const spans = (): SentSpan[] =>
  collector.requests.flatMap(({ body }) =>
    (body as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }).resourceSpans.flatMap(
      ({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans),
    ),
  )

it('creates no trace context if tracing is off', () => {
  expect(traceHeaders(beginSpan('settle', { attributes: {}, from: [sender] }))).toEqual({})
  expect(traceHeaders()).toEqual({})
})

describe.each(engines)('tracing on %s', (_, openStore) => {
  let store: TestStore
  beforeAll(async () => {
    collector = await startStandIn(() => ({ status: 200, body: '{}' }))
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
    process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json'
    trace.disable()
    startTracing()
  })
  afterAll(async () => {
    trace.disable()
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
    await collector.close()
  })
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  it('follows a change from its request through settling to each send', async () => {
    const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
    if (!env) throw new Error('No environment')
    const watched = watchStore(store.url)
    const body = fixture('02-prompt-created-chat-placeholders.json')
    const signature = sign(body, { t: Math.floor(Date.now() / 1000) })
    const headers = { 'x-langfuse-signature': signature, traceparent: sender }
    const request = new Request('http://relay.test/', { method: 'POST', body: new Uint8Array(body), headers })
    const receive = receiver(watched.db, { settleMs: 0, now: Date.now })
    const answer = await answerWebhook(request, { env, now: Date.now, receive, reject: async () => {} })
    expect(answer.status).toBe(202)
    const { fetch } = fetchDouble(() => ok())
    const rules = [{ name: 'all', to: ['one', 'two'] }]
    const routes = { targets: slackTargets('one', 'two'), rules, alertTargets: [] }
    const loop = simulatedLoop(watched, { fetch, routes })
    await loop.drain(Date.now() + 5000)
    await loop.stop()
    await flushSpans()
    await watched.db.destroy()
    const [settle] = spans().filter(({ name }) => name === 'settle')
    expect(settle).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' })
    const sends = spans().filter(({ name }) => name.startsWith('send '))
    expect(sends.map(({ name }) => name).toSorted()).toEqual(['send one', 'send two'])
    for (const send of sends) expect(send).toMatchObject({ traceId, parentSpanId: settle?.spanId })
    const all = JSON.stringify(collector.requests.map(({ body: sent }) => sent))
    for (const hidden of [secret, slackUrl('one'), 'oneSecret0123']) expect(all.includes(hidden)).toBe(false)
  })
})
