import { describe, expect, it } from 'vitest'
import { asUpdate, type FlatBody, hashOf, keyOf, usageOf } from '#lib/core/polling/rows.ts'
import { toEvent } from '#lib/langfuse/body.ts'
import { openPolled } from '#lib/langfuse/polled.ts'
import { parseBody } from '#lib/langfuse/webhook.ts'

const trace: FlatBody = {
  event: 'trace.created',
  timestamp: '2026-08-21T09:00:00.000Z',
  data: {
    projectId: 'p1',
    traceId: 't1',
    observationId: 'o1',
    type: 'GENERATION',
    name: 'call',
    traceName: 'checkout-agent',
    environment: 'production',
    level: 'ERROR',
    statusMessage: 'timeout',
    model: 'gpt-5',
    latency: 1.2345,
    totalCost: 0.02,
    inputTokens: 100,
    outputTokens: 20,
    totalTokens: 120,
    updatedAt: '2026-08-21T09:00:01.000Z',
  },
}
const score: FlatBody = {
  event: 'score.created',
  timestamp: '2026-08-21T09:00:00.000Z',
  data: {
    projectId: 'p1',
    scoreId: 's1',
    name: 'helpfulness',
    value: 0.3,
    dataType: 'NUMERIC',
    traceId: 't1',
  },
}
const changed = (body: FlatBody, data: object): FlatBody =>
  ({ ...body, data: { ...body.data, ...data } }) as FlatBody

describe('a trace in the flat form', () => {
  it('says what it is', () => {
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

  it('may name little more than its trace', () => {
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
  it('says what it is', () => {
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

describe('a row that was read', () => {
  it('is stored in the form that the webhook endpoint takes', () => {
    for (const body of [trace, score]) {
      const { event, body: bytes } = openPolled(body)
      expect(event.type).not.toBe('unrecognised')
      expect(parseBody(bytes)).toEqual(event)
    }
  })

  it('is known by its ids, of which those of observations count within their trace', () => {
    const keys = [
      trace,
      score,
      changed(trace, { traceId: 't2' }),
      changed(trace, { observationId: 'o2' }),
    ].map(keyOf)
    expect(new Set(keys).size).toBe(4)
    expect(keyOf(changed(trace, { level: 'DEFAULT' }))).toBe(keyOf(trace))
  })

  it('is news where anything but the time of its update changed', () => {
    expect(hashOf(changed(trace, { updatedAt: '2026-08-22T09:00:00Z' }))).toBe(hashOf(trace))
    expect(hashOf(changed(trace, { outputTokens: 21 }))).not.toBe(hashOf(trace))
  })

  it('has another dedupe key with each update, and the same with each reading', () => {
    const key = (body: FlatBody) => openPolled(body).dedupeKey
    const later = changed(trace, { updatedAt: '2026-08-22T09:00:00Z' })
    const updated = asUpdate(trace)
    if (!updated) throw new Error('no update')
    expect(new Set([trace, later, updated, asUpdate(later) ?? trace].map(key)).size).toBe(4)
    expect(key(structuredClone(trace))).toBe(key(trace))
    expect(key(changed(score, { value: 0.4 }))).not.toBe(key(score))
  })

  it('is told again only where there is such an event', () => {
    expect(asUpdate({ ...trace, event: 'generation.created' } as FlatBody)).toBeNull()
    expect(asUpdate(score)?.event).toBe('score.updated')
  })
})

describe('what a generation used', () => {
  const usage = (data: object) => usageOf(changed(trace, data))
  it('is counted by day, model and environment', () => {
    expect(usageOf(trace)).toEqual({
      day: '2026-08-21',
      model: 'gpt-5',
      environment: 'production',
      input: 100,
      output: 20,
      total: 120,
      nanoUsd: 20_000_000,
    })
  })

  it('counts embeddings, and no spans', () => {
    expect(usage({ type: 'EMBEDDING' })).toMatchObject({ input: 100 })
    expect(usage({ type: 'SPAN', model: null })).toBeNull()
    expect(
      usage({ type: 'SPAN', inputTokens: null, outputTokens: null, totalTokens: null, totalCost: null }),
    ).toBeNull()
    expect(usageOf(score)).toBeNull()
  })

  it('has a total where Langfuse names none, and a model where there is none', () => {
    expect(usage({ totalTokens: null, model: null })).toMatchObject({ total: 120, model: 'unknown' })
  })
})
