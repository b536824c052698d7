import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#lib/base/json.ts'
import type { SourceEvent } from '#lib/core/change/event.ts'
import { toEvent } from '#lib/langfuse/body.ts'
import { dedupeKeyOf, subjectOf, twinKeyOf } from '#lib/langfuse/keys.ts'
import { type FixtureName, fixture, fixtureNames } from '../../fixtures.ts'

const objectOf = (name: FixtureName): JsonObject => JSON.parse(fixture(name).toString())
const eventOf = (name: FixtureName): SourceEvent => toEvent(objectOf(name))

const prompt = objectOf('01-prompt-created-text.json') as JsonObject & { prompt: JsonObject }
const withPrompt = (changes: JsonObject): JsonObject => ({
  ...prompt,
  prompt: { ...prompt.prompt, ...changes },
})
const flat: JsonObject & { data: JsonObject } = {
  event: 'prompt.updated',
  timestamp: '2026-08-21T09:14:07.412Z',
  data: { promptName: 'greeting', promptVersion: 3, projectId: 'p1', labels: ['production'] },
}

const keyOf = (body: JsonObject): string =>
  dedupeKeyOf(toEvent(body), body, Buffer.from(JSON.stringify(body)))
const problemsOf = (body: JsonObject): string[] => {
  const event = toEvent(body)
  return event.type === 'unrecognised' ? event.problems : []
}

describe('every body that Langfuse sends is understood', () => {
  it.each(fixtureNames)('%s', (name) => {
    expect(eventOf(name)).toMatchObject({ type: objectOf(name).type, projectId: 'cmfq1x7h3000108l4b2k9d6tz' })
  })

  it('a new text version', () => {
    expect(eventOf('01-prompt-created-text.json')).toMatchObject({
      action: 'created',
      name: 'support/refund-reply',
      version: 7,
      promptId: prompt.prompt.id,
      labels: prompt.prompt.labels,
      tags: prompt.prompt.tags,
      promptType: 'text',
      text: prompt.prompt.prompt,
      config: prompt.prompt.config,
      createdBy: prompt.prompt.createdBy,
      updatedAt: Date.parse(String(prompt.prompt.updatedAt)),
      createdAt: Date.parse(String(prompt.prompt.createdAt)),
    })
  })

  it('a chat prompt with its placeholders, as it came', () => {
    const { prompt: body } = objectOf('02-prompt-created-chat-placeholders.json') as { prompt: JsonObject }
    expect(eventOf('02-prompt-created-chat-placeholders.json')).toMatchObject({
      promptType: 'chat',
      text: body.prompt,
    })
  })

  it('a text of 200 KB, whole', () => {
    const { prompt: body } = objectOf('03-prompt-created-200kb.json') as { prompt: JsonObject }
    expect(eventOf('03-prompt-created-200kb.json')).toMatchObject({ text: body.prompt })
  })

  it('names, tags and people in any script', () => {
    expect(eventOf('04-prompt-created-unicode-emoji-folders.json')).toMatchObject({
      name: '客服/退款 🚀/ответ "v2" & Ünïcode — naïve',
      tags: ['サポート', 'équipe-µ', '🚀'],
      user: { name: 'Łukasz “Luk” Żółć 🦊', email: 'lukasz@acme-support.example' },
    })
  })

  it('a deletion', () => {
    expect(eventOf('06-prompt-deleted.json')).toMatchObject({ action: 'deleted' })
  })

  it('a person without a name, and no commit message', () => {
    expect(eventOf('07-null-commit-message-null-user-name.json')).toMatchObject({
      commitMessage: null,
      user: { name: null, email: expect.any(String) },
    })
  })

  it('a change that nobody is named for', () => {
    expect(eventOf('08-api-change-no-user.json')).toMatchObject({ user: null })
  })

  it('an alert, with the environments that it is filtered to', () => {
    expect(eventOf('09-monitor-alert.json')).toEqual({
      type: 'monitor-alert',
      projectId: 'cmfq1x7h3000108l4b2k9d6tz',
      monitorId: 'cmemon1to00010ajl3k2pq9x7',
      title: '[ALERT] p95 latency checkout agent',
      body: '`p95(observations.latency)` is **above** `8000` over the last **1h**',
      severity: 'ALERT',
      url: expect.stringContaining('/alerts/cmemon1to00010ajl3k2pq9x7'),
      dataUrl: expect.stringContaining('/observations?dateRange='),
      environments: ['production'],
      at: Date.parse('2026-08-21T15:00:00.000Z'),
    })
    expect(eventOf('09b-monitor-recovered.json')).toMatchObject({ dataUrl: null, environments: [] })
  })

  it('a notification', () => {
    expect(eventOf('10-project-notification-evaluator-blocked.json')).toMatchObject({
      projectName: 'Support Bot (prod)',
      eventType: 'evaluator-blocked',
      severity: 'ALERT',
      resource: 'hallucination-judge',
    })
  })
})

describe('the environments of an alert', () => {
  const alert = objectOf('09-monitor-alert.json') as JsonObject & { payload: JsonObject }
  it.each<[string, unknown, string[]]>([
    ['any of', { column: 'environment', operator: 'any of', value: ['a', 'b', 'a'] }, ['a', 'b']],
    ['equals', { column: 'environment', operator: '=', value: 'a' }, ['a']],
    ['none of', { column: 'environment', operator: 'none of', value: ['a'] }, []],
    ['part of a name', { column: 'environment', operator: 'contains', value: 'a' }, []],
    ['of another column', { column: 'metadata', key: 'environment', operator: '=', value: 'a' }, []],
    ['of no known form', 'environment = a', []],
  ])('%s', (_, filter, environments) => {
    const body = { ...alert, payload: { ...alert.payload, filters: [filter] } }
    expect(toEvent(body)).toMatchObject({ environments })
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', 'https://[', 'no url'])(
    'and %s is no link',
    (permalink) => {
      const body = { ...alert, payload: { ...alert.payload, permalink } }
      expect(toEvent(body)).toMatchObject({ type: 'monitor-alert', url: null })
    },
  )
})

describe('the flat form of tutorials', () => {
  it.each([
    ['prompt.created', 'created'],
    ['prompt.updated', 'updated'],
    ['prompt.deleted', 'deleted'],
  ])('%s says that a version was %s', (event, action) => {
    expect(toEvent({ ...flat, event })).toMatchObject({
      type: 'prompt-version',
      action,
      projectId: 'p1',
      name: 'greeting',
      version: 3,
      labels: ['production'],
    })
  })

  it('leaves unsaid what it does not say', () => {
    expect(toEvent(flat)).toEqual({
      type: 'prompt-version',
      action: 'updated',
      projectId: 'p1',
      name: 'greeting',
      version: 3,
      labels: ['production'],
      user: null,
    })
  })

  it('with an event that is not known is unrecognised', () => {
    expect(problemsOf({ ...flat, event: 'trace.deleted' })).toEqual([
      expect.stringMatching(
        /^`event`: expected one of prompt.created, .*score.updated, received "trace.deleted"$/,
      ),
    ])
  })

  it('is not taken for one when there is a type', () => {
    expect(toEvent({ ...flat, type: 'x' }).type).toBe('unrecognised')
    expect(toEvent({ ...flat, type: null }).type).toBe('unrecognised')
  })
})

describe('a shape that is not known', () => {
  it.each<[string, JsonObject, RegExp]>([
    ['no type', { id: '1' }, /^`type`: expected one of prompt-version, monitor-alert, .* received nothing$/],
    ['a new type', { type: 'trace-created' }, /received "trace-created"$/],
    ['a type that is no string', { type: 5 }, /received 5$/],
    ['a type that objects inherit', { type: 'constructor' }, /received "constructor"$/],
    ['a missing name', withPrompt({ name: undefined }), /^`prompt.name`: expected string/],
    ['a version of 0', withPrompt({ version: 0 }), /^`prompt.version`: /],
    ['a version that no column holds', withPrompt({ version: 2 ** 31 }), /^`prompt.version`: /],
    ['a label that is a number', withPrompt({ labels: ['a', 1] }), /^`prompt.labels\[1\]`: expected string/],
    ['a day that is none', withPrompt({ updatedAt: '2026-02-30T00:00:00Z' }), /^`prompt.updatedAt`: /],
    ['an action that is new', { ...prompt, action: 'archived' }, /^`action`: /],
  ])('%s is told by its field', (_, body, problem) => {
    expect(toEvent(body)).toMatchObject({ type: 'unrecognised', projectId: null })
    expect(problemsOf(body)[0]).toMatch(problem)
  })

  it('is told in at most 20 sentences of at most 300 characters', () => {
    const problems = problemsOf(withPrompt({ labels: new Array(5000).fill(1) }))
    expect(problems).toHaveLength(20)
    for (const body of [{ type: 'x'.repeat(9000) }, { ...flat, event: 'x'.repeat(9000) }])
      expect(problemsOf(body)[0]?.length).toBeLessThanOrEqual(300)
  })

  it('is not what a body with unknown keys is', () => {
    expect(toEvent({ ...withPrompt({ more: 1 }), extra: { a: 1 } }).type).toBe('prompt-version')
  })

  it('is not what a __proto__ key can hide', () => {
    const text = `{"__proto__":${JSON.stringify(prompt)},"id":"1"}`
    expect(toEvent(JSON.parse(text)).type).toBe('unrecognised')
    const inner = JSON.stringify(prompt).replace('"prompt":{', '"prompt":{"__proto__":{"tags":1},')
    expect(toEvent(JSON.parse(inner))).toEqual(toEvent(prompt))
  })
})

describe('what no column of text can hold', () => {
  const hostile = withPrompt({
    name: 'a\0b\ud800',
    labels: ['l\0'],
    tags: ['t\udfff'],
    commitMessage: 'c\0',
    prompt: 'text\0\ud800',
    config: { 'k\0': '\ud800' },
  })
  const event = toEvent({ ...hostile, user: { name: 'u\0', email: null } })

  it('is replaced in names, and kept in text and config', () => {
    expect(event).toMatchObject({
      name: 'a\ufffdb\ufffd',
      labels: ['l\ufffd'],
      tags: ['t\ufffd'],
      commitMessage: 'c\ufffd',
      user: { name: 'u\ufffd', email: null },
      text: 'text\0\ud800',
      config: { 'k\0': '\ud800' },
    })
  })

  it('is not what other control characters are', () => {
    const name = 'a\u0001\n\u001b[31m\u202e🚀b'
    expect(toEvent(withPrompt({ name }))).toMatchObject({ name })
  })
})

describe('the dedupe key', () => {
  it('is the id, for every body that Langfuse sends', () => {
    for (const name of fixtureNames) expect(keyOf(objectOf(name))).toBe(`langfuse:${objectOf(name).id}`)
  })

  it('is the same for a re-run, which has a new timestamp', () => {
    expect(keyOf({ ...prompt, timestamp: '2026-08-21T09:20:00.000Z' })).toBe(keyOf(prompt))
  })

  it('is the id of an unrecognised body too, else a hash of its bytes', () => {
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
  ])('is a hash where the id does not fit a key, and tells ids apart (%#)', (one, two) => {
    expect(keyOf({ ...prompt, id: one })).toMatch(/^langfuse:sha256:[0-9a-f]{64}$/)
    expect(keyOf({ ...prompt, id: one })).toBe(keyOf({ ...prompt, id: one }))
    expect(keyOf({ ...prompt, id: one })).not.toBe(keyOf({ ...prompt, id: two }))
  })

  it('has at most 209 characters', () => {
    expect(keyOf({ ...prompt, id: 'x'.repeat(200) })).toHaveLength(209)
  })

  it('is made of event, time, project, name and version in the flat form', () => {
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

  it('is the same for the same edit told by another automation', () => {
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
  ])('is another for another %s', (_, body) => {
    expect(twin(body)).not.toBe(twin(prompt))
  })

  it('tells labels from labels run together, and labels from tags', () => {
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

    it('is the same where another automation tells of the same run', () => {
      expect(twin({ ...alert, id: 'other', timestamp: flat.timestamp })).toBe(twin(alert))
      expect(twin(alert)).toMatch(/^[0-9a-f]{64}$/)
    })

    it.each<[string, JsonObject]>([
      ['monitor', { monitorId: 'other' }],
      ['project', { projectId: 'other' }],
      ['severity', { severity: 'WARNING' }],
      ['run', { timestamp: '2026-08-21T09:15:00.000Z' }],
    ])('is another for another %s', (_, part) => {
      expect(twin(withPayload(part))).not.toBe(twin(alert))
    })
  })

  describe('of a notification', () => {
    const notice = objectOf('10-project-notification-evaluator-blocked.json') as { event: JsonObject }

    it('is the same where another automation sends it', () => {
      expect(twin({ ...notice, id: 'other' })).toBe(twin(notice))
      expect(twin(notice)).toMatch(/^[0-9a-f]{64}$/)
    })

    it.each<[string, JsonObject]>([
      ['time', { timestamp: '2026-08-21T09:15:00.000Z' }],
      ['resource', { event: { ...notice.event, resourceName: 'other' } }],
      ['message', { event: { ...notice.event, message: 'other' } }],
      ['severity', { event: { ...notice.event, severity: 'INFO' } }],
    ])('is another for another %s', (_, part) => {
      expect(twin({ ...notice, ...part })).not.toBe(twin(notice))
    })
  })

  it('is null where there is no such knowledge', () => {
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
