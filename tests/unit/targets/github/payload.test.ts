import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import type { TargetOf } from '#lib/core/rules/target-settings.ts'
import { githubDispatch } from '#lib/targets/github/payload.ts'
import { githubProblems } from '../../../mocks/github.ts'
import { scoreRow } from '../../observed-rows.ts'
import { burst, errors, traceUrl } from '../bursts.ts'
import { factOf, messageOf } from '../messages.ts'

const target: TargetOf<'github'> = {
  type: 'github',
  repo: 'acme/prompts',
  token: 'github_pat_x',
  apiUrl: 'https://api.github.com',
  eventType: 'prompt-updated',
}
const payloadOf = (message: Message) => githubDispatch(target, message).client_payload
const sizeOf = (message: Message) => Buffer.byteLength(JSON.stringify(githubDispatch(target, message)))
const problemsOf = (message: Message) => githubProblems(githubDispatch(target, message), sizeOf(message))
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('a GitHub dispatch', () => {
  it('has the versions, label, hash and text of a promotion', () => {
    expect(githubDispatch(target, messageOf())).toEqual({
      event_type: 'prompt-updated',
      client_payload: {
        promptName: 'support/refund-reply',
        version: 7,
        action: 'updated',
        labels: ['latest', 'production'],
        projectId: 'p1',
        eventId: 'evt_1',
        change: {
          id: 'chg_1',
          kind: 'promoted',
          title: 'Maya promoted support/refund-reply v7 to production, was v6',
          url: 'https://relay.example.com/changes/chg_1',
          label: 'production',
          from: 6,
          to: 7,
        },
        sha256: sha256('You are a support agent.'),
        prompt: 'You are a support agent.',
      },
    })
  })

  it('has an event type of its own for what someone asked to have looked at', () => {
    const ids = { traceId: 't1', observationId: 'o1', sessionId: null }
    const trace = {
      name: 'checkout-agent',
      user: null,
      environment: 'eu',
      level: 'ERROR',
      latencyMs: 2500,
      cost: null,
      observations: 12,
      startedAt: 0,
    }
    const message = messageOf({
      fact: { kind: 'trace-callback', ...ids, confirmed: true },
      change: { title: 'Someone asked for a look at it' },
      detail: { prompt: null, trace },
      links: { page: 'https://relay.example.com/changes/chg_1', langfuse: 'https://l.example/t1' },
    })
    expect(githubDispatch(target, message)).toEqual({
      event_type: 'trace-callback',
      client_payload: {
        projectId: 'p1',
        change: {
          id: 'chg_1',
          kind: 'trace-callback',
          title: 'Someone asked for a look at it',
          url: 'https://relay.example.com/changes/chg_1',
        },
        ...ids,
        confirmed: true,
        url: 'https://l.example/t1',
        trace: { ...trace, startedAt: '1970-01-01T00:00:00.000Z' },
      },
    })
  })

  it('names the alert that a recovery ended', () => {
    const alert = { changeId: 'chg_0', title: 'Alert: p95', since: 0, forMs: 60_000 }
    const message = messageOf({ fact: factOf('recovered'), detail: { prompt: null, alert } })
    expect(payloadOf(message).change).toMatchObject({
      severity: 'OK',
      ended: { changeId: 'chg_0', since: '1970-01-01T00:00:00.000Z' },
    })
  })

  it.each([
    ['version-created', 'created'],
    ['promoted', 'updated'],
    ['rolled-back', 'updated'],
    ['label-added', 'updated'],
    ['label-removed', 'updated'],
    ['tags-changed', 'updated'],
    ['first-seen', 'updated'],
    ['deleted', 'deleted'],
  ] as const)('calls %s %s', (kind, action) => {
    expect(payloadOf(messageOf({ fact: factOf(kind) }))).toMatchObject({ action, change: { kind } })
  })

  it('calls a version that was created with its label created', () => {
    const created = factOf('version-created')
    const message = messageOf({
      fact: factOf('promoted'),
      change: { kind: 'version-created' },
      detail: { facts: [created, factOf('promoted')] },
    })
    expect(payloadOf(message)).toMatchObject({ action: 'created', change: { kind: 'promoted' } })
  })

  it('has the version that the fact is about, not the one that the change is mostly about', () => {
    const message = messageOf({ change: { version: 8 }, fact: factOf('promoted'), text: 'the text of v7' })
    expect(payloadOf(message)).toMatchObject({
      version: 7,
      labels: ['production'],
      eventId: null,
      prompt: 'the text of v7',
    })
  })

  it('has a chat prompt as it is, and the hash of its JSON', () => {
    const text = [
      { role: 'system', content: 'Hi ☃' },
      { type: 'placeholder', name: 'history' },
    ]
    expect(payloadOf(messageOf({ text }))).toMatchObject({
      prompt: text,
      sha256: sha256(JSON.stringify(text)),
    })
  })

  it('says when the text is not known', () => {
    const payload = payloadOf(messageOf({ text: undefined }))
    expect(payload).toMatchObject({ promptOmitted: 'unknown', sha256: null })
    expect(payload).not.toHaveProperty('prompt')
  })

  it.each(['x', 'é', '☃', '😀', '"', '\n', '\u0000', '\ud800'])(
    'holds the whole text of %j up to the last byte below 64 KB, and none of it beyond',
    (character) => {
      const empty = sizeOf(messageOf({ text: '' }))
      const each = Buffer.byteLength(JSON.stringify(character)) - 2
      const max = Math.floor((65_535 - empty) / each)
      const filled = (65_535 - empty) % each
      const full = messageOf({ text: character.repeat(max) + 'a'.repeat(filled) })
      expect(sizeOf(full)).toBe(65_535)
      expect(payloadOf(full)).toMatchObject({ prompt: full.text })
      const over = payloadOf(messageOf({ text: `${full.text}a` }))
      expect(over).toMatchObject({ promptOmitted: 'size', sha256: sha256(`${full.text}a`) })
      expect(over).not.toHaveProperty('prompt')
    },
  )

  const huge = '\u0001'.repeat(100_000)
  it.each([
    ['text', messageOf({ text: 'x'.repeat(200_000) })],
    [
      'labels',
      messageOf({
        detail: { prompt: { labels: Array.from({ length: 5000 }, (_, i) => `label-number-${i}`) } },
      }),
    ],
    ['one label', messageOf({ detail: { prompt: { labels: [huge, 'production'] } } })],
    ['name', messageOf({ change: { subject: huge, title: huge } })],
    ['project', messageOf({ change: { projectId: huge } })],
    ["fact's label", messageOf({ fact: { kind: 'promoted', label: huge, from: 1, to: 7 } })],
  ])('stays below 64 KB with a huge %s', (_, message) => {
    expect(problemsOf(message)).toEqual([])
  })

  it('says how many labels it had no room for', () => {
    const labels = [...Array.from({ length: 40 }, () => huge.slice(0, 5000)), 'production']
    const payload = payloadOf(messageOf({ detail: { prompt: { labels } } }))
    expect(payload).toMatchObject({ labels: ['production'], change: { labelsOmitted: 40 } })
  })

  it.each(factKinds)('has at most ten properties for %s, with and without the text', (kind) => {
    for (const text of ['short', undefined, 'x'.repeat(200_000)]) {
      expect(problemsOf(messageOf({ fact: factOf(kind), text }))).toEqual([])
    }
  })

  it.each(['alert', 'recovered', 'notification', 'given-up', 'unrecognised'] as const)(
    'has the same shape for %s, without a prompt',
    (kind) => {
      const message = messageOf({
        fact: factOf(kind),
        change: { subject: 'p95 latency', title: 'Alert: p95 latency', version: null },
        detail: { prompt: null, message: 'is **above** 8000' },
      })
      expect(payloadOf(message)).toMatchObject({
        promptName: null,
        version: null,
        action: null,
        labels: [],
        sha256: null,
        change: { kind, subject: 'p95 latency', message: 'is **above** 8000' },
      })
      expect(payloadOf(message)).not.toHaveProperty('prompt')
    },
  )

  it('marks a test as one, so that a workflow can skip it', () => {
    const changeIn = (test: boolean) => payloadOf(messageOf({ change: { test } })).change
    expect(changeIn(true)).toMatchObject({ test: true })
    expect(changeIn(false)).not.toHaveProperty('test')
  })
})

describe('a burst as a dispatch', () => {
  it('has an event type of its own, its numbers, and its first rows', () => {
    const { event_type, client_payload } = githubDispatch(target, burst(errors(20), { count: 37 } as never))
    expect(event_type).toBe('langfuse-trace')
    expect(Object.keys(client_payload).length).toBeLessThanOrEqual(10)
    expect(client_payload).toMatchObject({
      projectId: 'p1',
      name: 'checkout-agent',
      count: 37,
      countIsLeast: false,
      firstAt: '2026-08-21T09:00:00.000Z',
      change: { id: 'chg_1', kind: 'error-trace' },
    })
    expect(client_payload.rows).toHaveLength(10)
    expect((client_payload.rows as object[])[0]).toEqual({
      id: 'o0',
      traceId: 't1',
      at: '2026-08-21T09:00:00.000Z',
      level: 'ERROR',
      message: 'broken 0',
      value: null,
      url: traceUrl,
    })
  })

  it('of scores has their range, and ten properties at most', () => {
    const { event_type, client_payload } = githubDispatch(target, burst([scoreRow()]))
    expect(event_type).toBe('langfuse-score')
    expect(client_payload).toMatchObject({ lowest: 0.1, highest: 0.3, rows: [{ value: 0.3 }] })
    expect(Object.keys(client_payload)).toHaveLength(10)
  })

  it('stays below 64 KB whatever the rows hold', () => {
    const long = '\u0001'.repeat(200)
    const rows = errors(20, { message: long, id: 'x'.repeat(5000), traceId: 'y'.repeat(5000) })
    const body = JSON.stringify(githubDispatch(target, burst(rows, { name: '\u0001'.repeat(600) } as never)))
    expect(Buffer.byteLength(body)).toBeLessThan(65_536)
  })
})
