import { describe, expect, it } from 'vitest'
import { asUpdate, type FlatBody, hashOf, keyOf, usageOf } from '#lib/core/polling/rows.ts'
import { changed, score, trace } from '../../flat-bodies.ts'

describe('a row that was read', () => {
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

  it('is reported again only where there is an event for that', () => {
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
