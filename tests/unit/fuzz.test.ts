import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { openCallback } from '#lib/langfuse/callback.ts'
import { readStored } from '#lib/langfuse/stored-event.ts'
import { fuzz } from '../fuzz/fuzz.ts'

/** `npm run fuzz` does a million. */
const runs = Number(process.env.FUZZ_RUNS || 3000)

describe('changed requests', () => {
  it('never make an endpoint throw or answer 5xx, and no forged one is accepted', {
    timeout: 30_000 + runs,
  }, async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {})
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const take = async () => ({ status: 'accepted' as const, eventId: 'evt_0' })
    const { failures, ended, runs: done } = await fuzz({ seed: 20_260_821, from: 0, runs }, take)
    expect(failures).toEqual([])
    expect(done).toBe(runs)
    // The checks are worth something only where both ends are reached.
    const ends = [...ended.keys()].join('\n')
    expect(ends).toMatch(/signed right: 202 prompt-version/)
    expect(ends).toMatch(/signed right: 202 unrecognised/)
    expect(ends).toMatch(/signed right: 400/)
    expect(ends).toMatch(/under its signature: 401/)
    expect(ends).toMatch(/callback that was changed: 202/)
    expect(ends).toMatch(/callback that was changed: 400/)
    expect(ends).toMatch(/API that was changed: read versions/)
    expect(ends).toMatch(/API that was changed: failed/)
  })

  it('finds the same again by its seed and number', async () => {
    const take = async () => ({ status: 'accepted' as const, eventId: 'evt_0' })
    const all = await fuzz({ seed: 7, from: 0, runs: 40 }, take)
    const parts = await Promise.all([
      fuzz({ seed: 7, from: 0, runs: 15 }, take),
      fuzz({ seed: 7, from: 15, runs: 25 }, take),
    ])
    const sum = new Map<string, number>()
    for (const part of parts) for (const [end, times] of part.ended) sum.set(end, (sum.get(end) ?? 0) + times)
    expect(sum).toEqual(all.ended)
  })
})

describe('any callback', () => {
  it('is refused with a reason or read, and what is kept of it is read again as the same', {
    timeout: 30_000 + runs,
  }, () => {
    const id = fc.oneof(fc.string({ unit: 'binary', maxLength: 210 }), fc.constant(null), fc.uuid())
    const item = fc.record(
      { projectId: id, traceId: id, observationId: id, sessionId: id },
      { requiredKeys: [] },
    )
    const likely = fc.record({
      version: fc.constantFrom<unknown>(1, 2, '1'),
      items: fc.array(item, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(fc.oneof(likely, fc.jsonValue(), fc.uint8Array()), (value) => {
        const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value))
        const opened = openCallback(bytes)
        if (!opened.ok) expect(opened.message).not.toBe('')
        for (const { event, body } of opened.ok ? opened.items : [])
          expect(readStored({ source: 'langfuse-callback', signature: 'token', body })).toEqual(event)
      }),
      { numRuns: Math.min(runs, 20_000) },
    )
  })
})
