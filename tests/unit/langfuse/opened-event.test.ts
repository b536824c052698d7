import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#lib/base/json.ts'
import { asUpdate, type FlatBody } from '#lib/core/polling/rows.ts'
import { parseBody, toEvent } from '#lib/langfuse/body.ts'
import { dedupeKeyOf, openPolled, subjectOf, twinKeyOf } from '#lib/langfuse/opened-event.ts'
import { fixtureNames } from '../../fixtures.ts'
import { changed, score, trace } from '../flat-bodies.ts'
import { flat, objectOf, prompt, withPrompt } from './bodies.ts'

const keyOf = (body: JsonObject): string =>
  dedupeKeyOf(toEvent(body), body, Buffer.from(JSON.stringify(body)))

describe('the dedupe key', () => {
  it('is the id, for every body that Langfuse sends', () => {
    for (const name of fixtureNames) expect(keyOf(objectOf(name))).toBe(`langfuse:${objectOf(name).id}`)
  })

  it('is the same for a re-run, which has a new timestamp', () => {
    expect(keyOf({ ...prompt, timestamp: '2026-08-21T09:20:00.000Z' })).toBe(keyOf(prompt))
  })

  it('is also the id of an unrecognised body, or else a hash of its bytes', () => {
    expect(keyOf({ id: 'x', type: 'new' })).toBe('langfuse:x')
    for (const id of ['', 5, null, undefined])
      expect(keyOf({ id, type: 'new' })).toMatch(/^body:[0-9a-f]{64}$/)
    expect(keyOf({ a: 1 })).not.toBe(keyOf({ a: 2 }))
  })

  it.each([
    ['x'.repeat(201), 'x'.repeat(202)],
    ['\ud800', '\ud801'],
    ['a\0', 'a\ufffd'],
    ['a b', 'a\u00a0b'],
    ['ключ', 'ключи'],
  ])('is a hash if the id does not fit into a key, and differs between ids (%#)', (one, two) => {
    expect(keyOf({ ...prompt, id: one })).toMatch(/^langfuse:sha256:[0-9a-f]{64}$/)
    expect(keyOf({ ...prompt, id: one })).toBe(keyOf({ ...prompt, id: one }))
    expect(keyOf({ ...prompt, id: one })).not.toBe(keyOf({ ...prompt, id: two }))
  })

  it('has at most 209 characters', () => {
    expect(keyOf({ ...prompt, id: 'x'.repeat(200) })).toHaveLength(209)
  })

  it('consists of event, time, project, name and version in the flat form', () => {
    const key = keyOf(flat)
    expect(key).toMatch(/^flat:[0-9a-f]{64}$/)
    expect(keyOf({ ...flat, id: 'other', data: { ...flat.data, labels: [] } })).toBe(key)
    const others = [
      { ...flat, event: 'prompt.created' },
      { ...flat, timestamp: '2026-08-21T09:14:07.413Z' },
      { ...flat, data: { ...flat.data, projectId: 'p2' } },
      { ...flat, data: { ...flat.data, promptName: 'greetings' } },
      { ...flat, data: { ...flat.data, promptVersion: 4 } },
    ]
    expect(new Set([key, ...others.map(keyOf)]).size).toBe(6)
  })
})

describe('the twin key', () => {
  const twin = (body: JsonObject) => twinKeyOf(toEvent(body), body)

  it('is the same for the same edit from another automation', () => {
    const other = {
      ...withPrompt({ labels: ['b', 'a'], tags: ['y', 'x'] }),
      id: 'other',
      timestamp: flat.timestamp,
    }
    expect(twin(other)).toBe(twin(withPrompt({ labels: ['a', 'b'], tags: ['x', 'y'] })))
    expect(twin(other)).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each<[string, JsonObject]>([
    ['version', withPrompt({ id: 'other' })],
    ['action', { ...prompt, action: 'updated' }],
    ['time', withPrompt({ updatedAt: '2026-08-21T09:14:08.000Z' })],
    ['labels', withPrompt({ labels: ['other'] })],
    ['tags', withPrompt({ tags: ['other'] })],
  ])('differs with the %s', (_, body) => {
    expect(twin(body)).not.toBe(twin(prompt))
  })

  it('distinguishes labels from joined labels, and labels from tags', () => {
    const bodies = [
      withPrompt({ labels: ['a', 'b'], tags: [] }),
      withPrompt({ labels: ['a,b'], tags: [] }),
      withPrompt({ labels: [], tags: ['a', 'b'] }),
    ]
    expect(new Set(bodies.map(twin)).size).toBe(3)
  })

  describe('of an alert', () => {
    const alert = objectOf('09-monitor-alert.json') as { payload: JsonObject }
    const withPayload = (part: JsonObject) => ({ ...alert, payload: { ...alert.payload, ...part } })

    it('is the same for the same run from another automation', () => {
      expect(twin({ ...alert, id: 'other', timestamp: flat.timestamp })).toBe(twin(alert))
      expect(twin(alert)).toMatch(/^[0-9a-f]{64}$/)
    })

    it.each<[string, JsonObject]>([
      ['monitor', { monitorId: 'other' }],
      ['project', { projectId: 'other' }],
      ['severity', { severity: 'WARNING' }],
      ['run', { timestamp: '2026-08-21T09:15:00.000Z' }],
    ])('differs with the %s', (_, part) => {
      expect(twin(withPayload(part))).not.toBe(twin(alert))
    })
  })

  describe('of a notification', () => {
    const notice = objectOf('10-project-notification-evaluator-blocked.json') as { event: JsonObject }

    it('is the same from another automation', () => {
      expect(twin({ ...notice, id: 'other' })).toBe(twin(notice))
      expect(twin(notice)).toMatch(/^[0-9a-f]{64}$/)
    })

    it.each<[string, JsonObject]>([
      ['time', { timestamp: '2026-08-21T09:15:00.000Z' }],
      ['resource', { event: { ...notice.event, resourceName: 'other' } }],
      ['message', { event: { ...notice.event, message: 'other' } }],
      ['severity', { event: { ...notice.event, severity: 'INFO' } }],
    ])('differs with the %s', (_, part) => {
      expect(twin({ ...notice, ...part })).not.toBe(twin(notice))
    })
  })

  it('is null if it is unknown', () => {
    expect([flat, { type: 'new' }].map(twin)).toEqual([null, null])
  })
})

describe('the subject', () => {
  const subject = (body: JsonObject) => subjectOf(toEvent(body), body)
  const notification = objectOf('10-project-notification-evaluator-blocked.json') as { event: JsonObject }

  it.each<[string, JsonObject, string]>([
    ['prompt name', prompt, 'support/refund-reply'],
    ['flat prompt name', flat, 'greeting'],
    [
      'monitor name, without the severity before it',
      objectOf('09-monitor-alert.json'),
      'p95 latency checkout agent',
    ],
    ['resource', notification, 'hallucination-judge'],
    [
      'kind of notification without a resource',
      { ...notification, event: { ...notification.event, resourceId: undefined, resourceName: undefined } },
      'evaluator-blocked',
    ],
    ['unknown type', { type: 'new' }, 'new'],
    ['unknown type, cut', { type: 'x'.repeat(500) }, 'x'.repeat(200)],
    ['unknown type with NUL', { type: 'a\0' }, 'a\ufffd'],
    ['nothing', {}, ''],
  ])('is the %s', (_, body, text) => {
    expect(subject(body)).toBe(text)
  })
})

describe('a polled row', () => {
  it('is stored in the form that the webhook endpoint takes', () => {
    for (const body of [trace, score]) {
      const { event, body: bytes } = openPolled(body)
      expect(event.type).not.toBe('unrecognised')
      expect(parseBody(bytes)).toEqual(event)
    }
  })

  it('has a new dedupe key with each update, and the same each time it is read', () => {
    const key = (body: FlatBody) => openPolled(body).dedupeKey
    const later = changed(trace, { updatedAt: '2026-08-22T09:00:00Z' })
    const updated = asUpdate(trace)
    if (!updated) throw new Error('no update')
    expect(new Set([trace, later, updated, asUpdate(later) ?? trace].map(key)).size).toBe(4)
    expect(key(structuredClone(trace))).toBe(key(trace))
    expect(key(changed(score, { value: 0.4 }))).not.toBe(key(score))
  })
})
