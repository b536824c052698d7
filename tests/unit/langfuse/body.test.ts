import { describe, expect, it } from 'vitest'
import type { JsonObject } from '#lib/base/json.ts'
import type { SourceEvent } from '#lib/core/change/event.ts'
import { toEvent } from '#lib/langfuse/body.ts'
import { type FixtureName, fixtureNames } from '../../fixtures.ts'
import { changed, score, trace } from '../flat-bodies.ts'
import { flat, objectOf, prompt, withPrompt } from './bodies.ts'

const eventOf = (name: FixtureName): SourceEvent => toEvent(objectOf(name))

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

  it('a chat prompt with its placeholders, unchanged', () => {
    const { prompt: body } = objectOf('02-prompt-created-chat-placeholders.json') as { prompt: JsonObject }
    expect(eventOf('02-prompt-created-chat-placeholders.json')).toMatchObject({
      promptType: 'chat',
      text: body.prompt,
    })
  })

  it('a text of 200 KB', () => {
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

  it('a change without an author', () => {
    expect(eventOf('08-api-change-no-user.json')).toMatchObject({ user: null })
  })

  it('an alert, with the environments of its filters', () => {
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

  it('leaves out what it does not contain', () => {
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

  it('is unrecognised with an unknown event', () => {
    expect(problemsOf({ ...flat, event: 'trace.deleted' })).toEqual([
      expect.stringMatching(
        /^`event`: expected one of prompt.created, .*score.updated, received "trace.deleted"$/,
      ),
    ])
  })

  it('is not assumed when there is a type', () => {
    expect(toEvent({ ...flat, type: 'x' }).type).toBe('unrecognised')
    expect(toEvent({ ...flat, type: null }).type).toBe('unrecognised')
  })
})

describe('an unknown shape', () => {
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
  ])('%s is reported with its field', (_, body, problem) => {
    expect(toEvent(body)).toMatchObject({ type: 'unrecognised', projectId: null })
    expect(problemsOf(body)[0]).toMatch(problem)
  })

  it('is reported in at most 20 sentences of at most 300 characters', () => {
    const problems = problemsOf(withPrompt({ labels: new Array(5000).fill(1) }))
    expect(problems).toHaveLength(20)
    for (const body of [{ type: 'x'.repeat(9000) }, { ...flat, event: 'x'.repeat(9000) }])
      expect(problemsOf(body)[0]?.length).toBeLessThanOrEqual(300)
  })

  it('is not a body with unknown keys', () => {
    expect(toEvent({ ...withPrompt({ more: 1 }), extra: { a: 1 } }).type).toBe('prompt-version')
  })

  it('is recognised in spite of a __proto__ key', () => {
    const text = `{"__proto__":${JSON.stringify(prompt)},"id":"1"}`
    expect(toEvent(JSON.parse(text)).type).toBe('unrecognised')
    const inner = JSON.stringify(prompt).replace('"prompt":{', '"prompt":{"__proto__":{"tags":1},')
    expect(toEvent(JSON.parse(inner))).toEqual(toEvent(prompt))
  })
})

describe('what a text column cannot hold', () => {
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

  it('does not include other control characters', () => {
    const name = 'a\u0001\n\u001b[31m\u202e🚀b'
    expect(toEvent(withPrompt({ name }))).toMatchObject({ name })
  })
})

describe('a trace in the flat form', () => {
  it('is read', () => {
    expect(toEvent(trace)).toMatchObject({
      type: 'trace',
      action: 'created',
      projectId: 'p1',
      traceId: 't1',
      id: 'o1',
      traceName: 'checkout-agent',
      level: 'ERROR',
      latencyMs: 1235,
      cost: 0.02,
      tokens: { input: 100, output: 20, total: 120 },
      at: Date.parse('2026-08-21T09:00:00.000Z'),
    })
  })

  it('may contain little more than its trace', () => {
    const bare = {
      event: 'trace.created',
      timestamp: trace.timestamp,
      data: { projectId: 'p1', traceId: 't1' },
    }
    expect(toEvent(bare)).toMatchObject({ type: 'trace', id: 't1', level: null, cost: null })
  })

  it.each([
    ['no project', { projectId: undefined }, /projectId/],
    ['no trace', { traceId: '' }, /traceId/],
    ['a latency below nothing', { latency: -1 }, /latency/],
    ['a cost in words', { totalCost: 'much' }, /totalCost/],
  ])('with %s is unrecognised', (_, data, problem) => {
    const event = toEvent(changed(trace, data))
    expect(event).toMatchObject({ type: 'unrecognised', problems: [expect.stringMatching(problem)] })
  })
})

describe('a score in the flat form', () => {
  it('is read', () => {
    expect(toEvent(score)).toMatchObject({
      type: 'score',
      id: 's1',
      name: 'helpfulness',
      value: 0.3,
      traceId: 't1',
    })
    expect(toEvent(changed(score, { value: true }))).toMatchObject({ value: true })
  })
})
