import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { fixture, fixtureNames, secret, sign, signatureOf, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const now = t * 1000
const one = fixture('01-prompt-created-text.json')

function environment(source: Record<string, string> = {}) {
  const { env, problems } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret, ...source })
  if (!env) throw new Error(problems.join(' '))
  return env
}

const post = (body: string | Uint8Array | ReadableStream | null, headers: Record<string, string> = {}) =>
  new Request('http://localhost/api/webhooks/langfuse', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as BodyInit,
    duplex: 'half',
  } as RequestInit)

const signed = (body: string | Uint8Array, options: Parameters<typeof sign>[1] = {}) =>
  post(body, { 'x-langfuse-signature': sign(body, options) })

describe.each(engines)('the webhook endpoint on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const knock = async (request: Request, env = environment(), time = now) => {
    const { db } = store
    const response = await answerWebhook(request, {
      env,
      now: () => time,
      receive: receiver(db, { settleMs: 2000, now: () => time }),
      reject: (rejection) => insertRejections(db, [rejection]),
    })
    return { status: response.status, body: await response.json() }
  }
  const events = () => store.db.selectFrom('events').selectAll().orderBy('id').execute()
  const rejections = () => store.db.selectFrom('rejections').selectAll().orderBy('id').execute()

  it.each(fixtureNames)('accepts %s with its shared signature, and stores the exact bytes', async (name) => {
    const request = post(fixture(name), { 'x-langfuse-signature': signatureOf(name) })
    const { status, body } = await knock(request)
    expect([status, body.status]).toEqual([202, 'accepted'])
    const [event] = await events()
    expect(event?.id).toBe(body.eventId)
    expect(Buffer.from(event?.body ?? []).equals(fixture(name))).toBe(true)
    expect(event?.type).not.toBe('unrecognised')
    expect(event?.secret_hint).toBe(secret.slice(-4))
  })

  it('answers a repeat with 200 and the id of the first event', async () => {
    const first = await knock(signed(one))
    // Langfuse's second run of a job: the same id with a new time and signature.
    const again = await knock(signed(one, { t: t + 60 }), environment(), now + 60_000)
    expect(again).toEqual({ status: 200, body: { status: 'duplicate', eventId: first.body.eventId } })
    expect(await events()).toHaveLength(1)
  })

  it('stores signed JSON of an unknown shape and says what did not fit', async () => {
    const strange = JSON.stringify({ id: 'x', type: 'prompt-version', action: 'exploded', prompt: {} })
    const { status } = await knock(signed(strange))
    expect(status).toBe(202)
    expect((await events()).map(({ type }) => type)).toEqual(['unrecognised'])
  })

  // Random, because Postgres compresses repetition.
  const random = (length: number) =>
    Array.from({ length }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join('')
  const named = (more: object) => {
    const { prompt, ...rest } = JSON.parse(one.toString())
    return JSON.stringify({ ...rest, prompt: { ...prompt, ...more } })
  }

  it.each([
    ['a prompt', () => ({ name: random(100_001) })],
    ['a project', () => ({ projectId: random(201) })],
  ])('keeps an event whose name of %s is too long for anything, and says so', async (_, more) => {
    expect((await knock(signed(named(more())))).status).toBe(202)
    expect((await events()).map(({ type }) => type)).toEqual(['unrecognised'])
  })

  it('stores an alert with a title of any length', async () => {
    const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
    alert.payload.message.title = random(5000)
    expect((await knock(signed(JSON.stringify(alert)))).status).toBe(202)
  })

  it('accepts the flat form of tutorials with a bare signature, and recognises its repeat', async () => {
    const flat = JSON.stringify({
      event: 'prompt.updated',
      timestamp: new Date(now).toISOString(),
      data: { promptName: 'a/b', promptVersion: 3, labels: ['production'], projectId: 'p' },
    })
    const answers = [
      await knock(signed(flat, { scheme: 'bare' })),
      await knock(signed(flat, { scheme: 'bare' })),
    ]
    expect(answers.map(({ status }) => status)).toEqual([202, 200])
    expect((await events())[0]).toMatchObject({ subject: 'a/b', version: 3, signature: 'bare' })
  })

  it('records which of several secrets matched', async () => {
    const next = 'lf-whsec_the-next-secret-9876'
    const env = environment({ LANGFUSE_WEBHOOK_SECRET: `${secret},${next}` })
    await knock(signed(one, { secret: next }), env)
    expect((await events())[0]?.secret_hint).toBe('9876')
  })

  it.each<[string, () => Request, number, string, Record<string, string>?]>([
    ['no signature', () => post(one), 401, 'signature-missing'],
    [
      'a signature of another form',
      () => post(one, { 'x-langfuse-signature': 'yes' }),
      401,
      'signature-malformed',
    ],
    ['another secret', () => signed(one, { secret: 'lf-whsec_another-secret' }), 401, 'signature-mismatch'],
    ['a signature that is too old', () => signed(one, { t: t - 301 }), 401, 'signature-expired'],
    ['a signature from the future', () => signed(one, { t: t + 301 }), 401, 'signature-expired'],
    [
      'one byte changed',
      () => post(one.toString().replace('Maya', 'Mayo'), { 'x-langfuse-signature': sign(one) }),
      401,
      'signature-mismatch',
    ],
    [
      'a scheme that is switched off',
      () => signed(one, { scheme: 'bare' }),
      401,
      'scheme-off',
      { SIGNATURE_SCHEMES: 'v1' },
    ],
    ['no JSON', () => signed('{"id":'), 400, 'not-json'],
    ['JSON that is no object', () => signed('[1]'), 400, 'not-an-object'],
    ['invalid UTF-8', () => signed(Uint8Array.from([0x7b, 0xff, 0x7d])), 400, 'not-utf8'],
    ['a body beyond 5 MiB', () => signed('x'.repeat(5 * 1024 * 1024 + 1)), 413, 'too-large'],
    ['no secret configured', () => signed(one), 503, 'no-secret', { LANGFUSE_WEBHOOK_SECRET: '' }],
  ])('refuses %s and keeps the rejection', async (_, request, status, reason, source) => {
    const answer = await knock(request(), environment(source))
    expect([answer.status, answer.body.error]).toEqual([status, reason])
    const [rejection] = await rejections()
    expect(rejection).toMatchObject({ status_code: status, reason, message: answer.body.message })
    expect(rejection?.head.byteLength).toBeLessThanOrEqual(2048)
    expect(await events()).toEqual([])
  })

  it('counts a body without a declared length while it streams', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    expect((await knock(post(endless))).status).toBe(413)
    expect(sent).toBeLessThan(6 * 1024 * 1024)
  })

  it('answers 503 if the store is gone, and accepts nothing', async () => {
    const request = signed(one)
    const response = await answerWebhook(request, {
      env: environment(),
      now: () => now,
      receive: async () => {
        throw new Error('connect ECONNREFUSED')
      },
      reject: async () => {},
    })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.text()).not.toContain('ECONNREFUSED')
  })
})
