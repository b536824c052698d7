import { describe, expect, it } from 'vitest'
import { openCallback } from '#lib/langfuse/callback.ts'
import { readStored } from '#lib/langfuse/stored-event.ts'
import { openWebhook } from '#lib/langfuse/webhook.ts'
import { fixture, secret, sign, t } from '../../fixtures.ts'

const trace = '1c563dcf980b449abb0dcbeaf1784e81'
const one = { projectId: 'p1', traceId: trace, observationId: null }
const bytes = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body))
const open = (body: unknown) => openCallback(bytes(body))
const items = (body: unknown) => {
  const opened = open(body)
  if (!opened.ok) throw new Error(opened.message)
  return opened.items
}

describe('a callback', () => {
  it('from the server names a project and what the button belongs to', () => {
    const opened = openCallback(fixture('x2-web-callout.json'))
    expect(opened.ok && opened.items.map(({ event }) => event)).toEqual([
      {
        type: 'trace-callback',
        projectId: 'cmfq1x7h3000108l4b2k9d6tz',
        traceId: trace,
        observationId: '9f8e7d6c5b4a3921',
        sessionId: null,
      },
    ])
  })

  it('from a browser has no session', () => {
    expect(items({ version: 1, items: [one] })[0]?.event).toMatchObject({ traceId: trace, sessionId: null })
  })

  it.each([
    ['a session alone', { traceId: null, observationId: null, sessionId: 'Kundengespräch 42/北京' }],
    ['an observation alone', { traceId: null, observationId: 'obs-1' }],
  ])('may be for %s', (_, ids) => {
    expect(items({ version: 1, items: [{ projectId: 'p1', ...ids }] })[0]?.event).toMatchObject(ids)
  })

  it('may have 100 items, and the same item counts once', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ ...one, traceId: `t${i}` }))
    expect(items({ version: 1, items: many })).toHaveLength(100)
    expect(items({ version: 1, items: [one, one, { ...one, sessionId: null, more: 1 }] })).toHaveLength(1)
  })

  it('is stored item by item, and each body gives its own event', () => {
    const both = items({ version: 1, items: [one, { ...one, traceId: 'other' }] })
    expect(both).toHaveLength(2)
    for (const { event, body } of both)
      expect(readStored({ source: 'langfuse-callback', signature: 'token', body })).toEqual(event)
  })

  it('means nothing with a signature: only the callback endpoint has such bodies', () => {
    const rawBody = fixture('x2-web-callout.json')
    const opened = openWebhook({
      headers: new Headers({ 'x-langfuse-signature': sign(rawBody) }),
      rawBody,
      secrets: [secret],
      schemes: ['v1'],
      toleranceSeconds: 300,
      now: t * 1000,
    })
    expect(opened).toMatchObject({ ok: true, event: { type: 'unrecognised' } })
    expect(readStored({ source: 'langfuse-webhook', signature: 'v1', body: rawBody }).type).toBe(
      'unrecognised',
    )
  })
})

describe('an invalid callback is refused with the name of the field', () => {
  const withItem = (over: object) => ({ version: 1, items: [{ ...one, ...over }] })
  const tooMany = Array.from({ length: 101 }, () => one)
  it.each<[string, unknown, string]>([
    ['no version', { items: [one] }, '`version`'],
    ['another version', { version: 2, items: [one] }, '`version`'],
    ['a version as text', { version: '1', items: [one] }, '`version`'],
    ['no items', { version: 1 }, '`items`'],
    ['items that are none', { version: 1, items: {} }, '`items`'],
    ['an empty list', { version: 1, items: [] }, '`items`'],
    ['101 items', { version: 1, items: tooMany }, '`items`'],
    ['an item that is none', { version: 1, items: [one, 'x'] }, '`items[1]`'],
    ['no project', withItem({ projectId: undefined }), '`items[0].projectId`'],
    ['an empty project', withItem({ projectId: '' }), '`items[0].projectId`'],
    ['a project that is no text', withItem({ projectId: 7 }), '`items[0].projectId`'],
    ['a trace that is no text', withItem({ traceId: [trace] }), '`items[0].traceId`'],
    ['a trace that is too long', withItem({ traceId: 'x'.repeat(201) }), '`items[0].traceId`'],
    ['a line break', withItem({ traceId: 'a\nb' }), '`items[0].traceId`'],
    ['a NUL', withItem({ observationId: 'a\0' }), '`items[0].observationId`'],
    ['text that turns around', withItem({ sessionId: 'a\u202eb' }), '`items[0].sessionId`'],
    ['half a character', withItem({ sessionId: '\ud800' }), '`items[0].sessionId`'],
    ['no id at all', withItem({ traceId: null }), '`items[0]`'],
  ])('%s', (_, body, field) => {
    const opened = open(body)
    expect(opened).toMatchObject({ ok: false, status: 400, reason: 'wrong-shape' })
    expect(opened.ok ? '' : opened.message.split(':')[0]).toBe(field)
  })

  it.each([
    ['no JSON', '{"version":', 'not-json'],
    ['a list', '[1]', 'not-an-object'],
    ['a hundred and one levels', `{"a":${'['.repeat(101)}${']'.repeat(101)}}`, 'too-deep'],
  ])('%s', (_, body, reason) => {
    expect(openCallback(Buffer.from(body))).toMatchObject({ ok: false, status: 400, reason })
  })

  it('in a sentence of bounded length, whatever is wrong', () => {
    const opened = open({ version: 1, items: Array.from({ length: 100 }, () => ({ projectId: 1 })) })
    expect(opened.ok ? 0 : opened.message.length).toBeLessThanOrEqual(1000)
  })
})
