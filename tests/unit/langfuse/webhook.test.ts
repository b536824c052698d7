import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBody } from '#lib/langfuse/body.ts'
import { keptHeaders, openWebhook, type WebhookRequest } from '#lib/langfuse/webhook.ts'
import { fixture, fixtureNames, secret, sign, signatureOf, t } from '../../fixtures.ts'

const now = t * 1000
const iso = (ms: number) => new Date(ms).toISOString()

function open(rawBody: string | Uint8Array, signature: string | null, changes: Partial<WebhookRequest> = {}) {
  return openWebhook({
    headers: new Headers(signature === null ? {} : { 'X-Langfuse-Signature': signature }),
    rawBody: Buffer.from(rawBody as string),
    secrets: [secret],
    schemes: ['v1', 'bare'],
    toleranceSeconds: 300,
    now,
    ...changes,
  })
}
const openSigned = (body: string | Uint8Array, scheme: 'v1' | 'bare' = 'v1') =>
  open(body, sign(body, { scheme }))

describe('every body that Langfuse sends', () => {
  it.each(fixtureNames)('%s is opened, and read again from the store as the same event', (name) => {
    const rawBody = fixture(name)
    const opened = open(rawBody, signatureOf(name))
    expect(opened).toMatchObject({ ok: true, signature: 'v1', secretHint: 'cdef' })
    expect(opened.ok && opened.event).toEqual(parseBody(rawBody))
    expect(opened.ok && opened.event.type).not.toBe('unrecognised')
  })

  it.each([
    [-301, false],
    [-300, true],
    [300, true],
    [301, false],
  ])('is opened %d s after it was signed: %s', (seconds, ok) => {
    const name = '05a-label-move-gains-production.json'
    const opened = open(fixture(name), signatureOf(name), { now: now + seconds * 1000 })
    expect(opened).toMatchObject(ok ? { ok } : { ok, status: 401, reason: 'signature-expired' })
  })

  it('comes with what is stored beside it', () => {
    expect(open(fixture('06-prompt-deleted.json'), signatureOf('06-prompt-deleted.json'))).toMatchObject({
      projectId: 'cmfq1x7h3000108l4b2k9d6tz',
      subject: JSON.parse(fixture('06-prompt-deleted.json').toString()).prompt.name,
      occurredAt: Date.parse(JSON.parse(fixture('06-prompt-deleted.json').toString()).timestamp),
      dedupeKey: expect.stringMatching(/^langfuse:/),
      twinKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(open(fixture('09-monitor-alert.json'), signatureOf('09-monitor-alert.json'))).toMatchObject({
      twinKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      occurredAt: Date.parse('2026-08-21T15:00:00.000Z'),
    })
  })
})

describe('a request is refused', () => {
  const body = fixture('01-prompt-created-text.json')
  const good = sign(body)
  const lone = Buffer.from([0x7b, 0xff, 0x7d])
  it.each<[string, number, string, ReturnType<typeof open>]>([
    ['when no secret is set', 503, 'no-secret', open(body, good, { secrets: [] })],
    ['without a signature', 401, 'signature-missing', open(body, null)],
    ['with a broken signature', 401, 'signature-malformed', open(body, 'v1=abc')],
    ['with an old signature', 401, 'signature-expired', open(body, sign(body, { t: t - 301 }))],
    ['with a signature from ahead', 401, 'signature-expired', open(body, sign(body, { t: t + 301 }))],
    ['with one byte changed', 401, 'signature-mismatch', open(`${body} `, good)],
    ['with another secret', 401, 'signature-mismatch', open(body, sign(body, { secret: `${secret}0` }))],
    ['when its scheme is off', 401, 'scheme-off', open(body, good, { schemes: ['bare'] })],
    ['when it is not UTF-8', 400, 'not-utf8', openSigned(lone)],
    ['when it is not JSON', 400, 'not-json', openSigned('{"a":')],
    ['with a byte order mark', 400, 'not-json', openSigned('\ufeff{}')],
    ['when it is empty', 400, 'not-json', openSigned('')],
    ['when it is an array', 400, 'not-an-object', openSigned('[]')],
    ['when it is null', 400, 'not-an-object', openSigned('null')],
    ['when it is too deep', 400, 'too-deep', openSigned(`{"a":${'['.repeat(200)}${']'.repeat(200)}}`)],
    ['before it is parsed', 401, 'signature-mismatch', open('not json', good)],
  ])('%s: %d %s', (_, status, reason, result) => {
    expect(result).toMatchObject({ ok: false, status, reason })
    expect(!result.ok && result.message).toMatch(/^.{20,200}$/)
  })

  it('without revealing a secret', () => {
    expect(JSON.stringify(open(body, sign(body, { secret: 'x'.repeat(20) })))).not.toContain(secret)
  })
})

describe('with a bare signature, the timestamp of the body must be within the window', () => {
  const at = (ms: number) => `{"id":"1","timestamp":"${iso(ms)}"}`
  it.each<[string, string, string | null]>([
    ['of now', at(now), null],
    ['300 s old', at(now - 300_000), null],
    ['300 s ahead', at(now + 300_000), null],
    ['just over 300 s old', at(now - 300_001), 'signature-expired'],
    ['just over 300 s ahead', at(now + 300_001), 'signature-expired'],
    ['that is missing', '{"id":"1"}', 'signature-undated'],
    ['that is no time', '{"timestamp":"soon"}', 'signature-undated'],
    ['that is a number', `{"timestamp":${now}}`, 'signature-undated'],
    ['that is inherited', `{"__proto__":{"timestamp":"${iso(now)}"}}`, 'signature-undated'],
  ])('%s', (_, body, reason) => {
    const opened = openSigned(body, 'bare')
    expect(opened).toMatchObject(
      reason === null ? { ok: true, signature: 'bare' } : { ok: false, status: 401, reason },
    )
  })

  it('and does not matter with v1', () => {
    expect(openSigned(at(0))).toMatchObject({ ok: true, occurredAt: 0 })
    expect(openSigned('{"id":"1"}')).toMatchObject({ ok: true, occurredAt: now })
  })
})

describe('a signed body of an unknown shape', () => {
  it('is opened as unrecognised', () => {
    expect(openSigned('{"id":"e1","type":"trace-created"}')).toMatchObject({
      ok: true,
      event: { type: 'unrecognised', problems: [expect.stringContaining('trace-created')] },
      dedupeKey: 'langfuse:e1',
      twinKey: null,
      projectId: null,
      subject: 'trace-created',
      occurredAt: now,
    })
  })

  it('never throws, and fits the columns, whatever it contains', () => {
    const hostile = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }))
    const names = [
      'id',
      'type',
      'event',
      'timestamp',
      'data',
      'prompt',
      'payload',
      '__proto__',
      'constructor',
    ]
    const types = fc.constantFrom('prompt-version', 'monitor-alert', 'project-notification', 'constructor')
    const anyBody = fc
      .tuple(types, fc.dictionary(fc.constantFrom(...names), hostile))
      .map(([type, rest]) => ({
        type,
        ...rest,
      }))
    fc.assert(
      fc.property(anyBody, (value) => {
        const opened = openSigned(JSON.stringify(value))
        expect(opened).toMatchObject({ ok: true, dedupeKey: expect.stringMatching(/^[\x21-\x7e]{5,209}$/) })
        expect(opened.ok && opened.subject.isWellFormed() && !opened.subject.includes('\0')).toBe(true)
        expect(opened.ok && opened.event).toEqual(parseBody(Buffer.from(JSON.stringify(value))))
      }),
    )
    expect(Object.hasOwn(Object.prototype, 'type')).toBe(false)
  })

  it('is what stored bytes that are not JSON are read as', () => {
    expect(parseBody(Buffer.from('x'))).toEqual({
      type: 'unrecognised',
      projectId: null,
      problems: ['The body of 1 bytes is not JSON'],
    })
  })
})

describe('the headers that are kept', () => {
  it('are those of the list, and never a signature, cookie or credential', () => {
    const headers = new Headers({
      'Content-Type': 'application/json',
      'User-Agent': 'Langfuse/1.0',
      'X-Langfuse-Signature': sign('{}'),
      Authorization: 'Bearer x',
      'Proxy-Authorization': 'Basic x',
      Cookie: 'a=b',
      'X-Api-Key': 'x',
      'X-Custom-Token': 'x',
      Traceparent: '00-1-2-01',
    })
    expect(keptHeaders(headers)).toEqual({
      'content-type': 'application/json',
      'user-agent': 'Langfuse/1.0',
      traceparent: '00-1-2-01',
    })
  })

  it('are cut at 500 characters', () => {
    expect(keptHeaders(new Headers({ 'user-agent': 'x'.repeat(9000) }))['user-agent']).toHaveLength(500)
  })
})
