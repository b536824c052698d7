import { describe, expect, it } from 'vitest'
import type { VersionRead } from '#lib/langfuse/api/read-prompt.ts'
import {
  lastKnown,
  openReconciled,
  parseReconciled,
  type ReconciledVersion,
} from '#lib/langfuse/reconciled.ts'
import { readStored } from '#lib/langfuse/stored-event.ts'
import { v } from '../../model/prompt-events.ts'

const row = {
  id: 'p7',
  projectId: 'project',
  name: 'support/refund-reply',
  version: 7,
  labels: ['latest', 'production'],
  tags: ['support'],
  type: 'text',
  prompt: 'Hello {{name}}' as unknown,
  config: { temperature: 0.2 } as unknown,
  commitMessage: 'Shorter',
  createdBy: 'maya-id',
  createdAt: '2026-08-21T09:14:07.412Z',
  updatedAt: '2026-08-21T09:15:07.412Z',
  isActive: null,
}
const read: VersionRead = {
  version: 7,
  labels: ['latest', 'production'],
  tags: ['support'],
  promptType: 'text',
  updatedAt: Date.parse(row.updatedAt),
  createdAt: Date.parse(row.createdAt),
  promptId: 'p7',
  commitMessage: 'Shorter',
  createdBy: 'maya-id',
  row,
}
/** As far as a listing shows it. */
const listed: VersionRead = {
  ...read,
  createdAt: null,
  promptId: null,
  commitMessage: null,
  createdBy: null,
  row: null,
}
const span = { readAt: 1_790_000_000_000, knownAt: 1_789_999_000_000 }
const found = (version: VersionRead, more: Partial<ReconciledVersion> = {}): ReconciledVersion => ({
  projectId: 'project',
  name: row.name,
  action: 'created',
  version,
  reconciled: span,
  look: 3,
  ...more,
})

describe('an event of a comparison with Langfuse', () => {
  it('says what a webhook would, without an author, and when it was read', () => {
    const { event, subject, projectId, twinKey, occurredAt, body } = openReconciled(found(read))
    expect(event).toEqual({
      type: 'prompt-version',
      action: 'created',
      projectId: 'project',
      name: row.name,
      version: 7,
      promptId: 'p7',
      labels: ['latest', 'production'],
      tags: ['support'],
      promptType: 'text',
      text: 'Hello {{name}}',
      config: { temperature: 0.2 },
      commitMessage: 'Shorter',
      createdBy: 'maya-id',
      user: null,
      updatedAt: Date.parse(row.updatedAt),
      createdAt: Date.parse(row.createdAt),
      reconciled: span,
    })
    expect({ subject, projectId, twinKey, occurredAt }).toEqual({
      subject: row.name,
      projectId: 'project',
      twinKey: null,
      occurredAt: span.readAt,
    })
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({
      type: 'prompt-version',
      action: 'created',
      prompt: row,
      reconciled: span,
    })
  })

  it('of what only a listing shows leaves open what that does not say', () => {
    const { event } = openReconciled(found(listed, { name: '..', reconciled: { ...span, knownAt: null } }))
    expect(event).toEqual({
      type: 'prompt-version',
      action: 'created',
      projectId: 'project',
      name: '..',
      version: 7,
      labels: ['latest', 'production'],
      tags: ['support'],
      promptType: 'text',
      user: null,
      updatedAt: Date.parse(row.updatedAt),
      reconciled: { ...span, knownAt: null },
    })
  })

  it('of a version that is gone says what was known of it last', () => {
    const state = v(7, ['production'], { updatedAt: 500 })
    const { event } = openReconciled(found(lastKnown(state), { action: 'deleted' }))
    expect(event).toMatchObject({
      action: 'deleted',
      version: 7,
      promptId: 'p7',
      labels: ['production'],
      updatedAt: 500,
    })
    expect(event).not.toHaveProperty('text')
  })

  it.each<[string, VersionRead, Partial<ReconciledVersion>]>([
    ['a version in full', read, {}],
    ['a listing', listed, {}],
    [
      'one that is gone',
      lastKnown(v(7, [], { updatedAt: null, promptId: null, promptType: null })),
      { action: 'deleted' },
    ],
    ['a config that is an array', { ...read, row: { ...row, config: ['a'] } }, {}],
    ['a config that is a text', { ...read, row: { ...row, config: 'gpt' } }, {}],
    ['no config', { ...read, row: { ...row, config: null } }, {}],
    ['a type that is not known', { ...read, promptType: 'video', row: { ...row, type: 'video' } }, {}],
    [
      'control characters and lone surrogates',
      { ...read, row: { ...row, prompt: 'a\0b\u001b[31m\ud800' } },
      {},
    ],
    ['9,000 labels', { ...read, labels: Array.from({ length: 9000 }, (_, i) => `label-${i}`) }, {}],
    ['5 MB', { ...read, row: { ...row, prompt: 'é'.repeat(2.5 * 1024 * 1024) } }, {}],
    ['a name of 100,000 characters', read, { name: '✨'.repeat(100_000) }],
  ])('is the same when read back from the store: %s', (_, version, more) => {
    const { event, body, subject, dedupeKey } = openReconciled(found(version, more))
    expect(event.type).toBe('prompt-version')
    expect(readStored({ source: 'langfuse-reconcile', signature: '', body })).toEqual(event)
    expect(subject.length).toBeLessThanOrEqual(600)
    expect(dedupeKey).toMatch(/^reconcile:[0-9a-f]{64}$/)
  })

  it('keeps the text exactly, and makes names and labels storable', () => {
    const { event } = openReconciled(
      found({ ...read, labels: ['a\0'], row: { ...row, prompt: 'a\0\ud800' } }, { name: 'x\ud800' }),
    )
    expect(event).toMatchObject({ text: 'a\0\ud800', labels: ['a\uFFFD'], name: 'x\uFFFD' })
  })

  it('is known again by its look, its version, and the row that was read', () => {
    const key = (version: VersionRead, more: Partial<ReconciledVersion> = {}) =>
      openReconciled(found(version, more)).dedupeKey
    expect(key(read)).toBe(key(structuredClone(read)))
    const others = [
      key(read),
      key(read, { look: 4 }),
      key(read, { action: 'updated' }),
      key(read, { name: 'other' }),
      key(read, { projectId: 'other' }),
      key({ ...read, version: 8 }),
      key({ ...read, promptId: 'q7' }),
      key({ ...read, updatedAt: 1 }),
    ]
    expect(new Set(others)).toHaveLength(others.length)
  })

  it.each<[string, unknown, string]>([
    ['is no JSON', undefined, 'not JSON'],
    ['has no version', { prompt: { ...row, version: undefined } }, '`prompt.version`'],
    ['does not say when it was read', { reconciled: { knownAt: null } }, '`reconciled.readAt`'],
  ])('is not recognised if its body %s', (_, change, problem) => {
    const whole = { type: 'prompt-version', action: 'updated', prompt: row, reconciled: span }
    const body =
      change === undefined ? Buffer.from('<') : Buffer.from(JSON.stringify({ ...whole, ...change }))
    expect(parseReconciled(body)).toMatchObject({
      type: 'unrecognised',
      problems: [expect.stringContaining(problem)],
    })
  })

  it('has a meaning only where the relay itself wrote it: a signed webhook of this form stays a webhook', () => {
    const { body } = openReconciled(found(read))
    const signed = readStored({ source: 'langfuse-webhook', signature: 'v1', body })
    expect(signed).not.toHaveProperty('reconciled')
  })
})
