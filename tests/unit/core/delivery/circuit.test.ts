import { describe, expect, it } from 'vitest'
import {
  afterAttempt,
  type Circuit,
  failingSince,
  isOpen,
  isProbing,
  nextSlot,
} from '#lib/core/delivery/circuit.ts'
import type { Outcome } from '#lib/core/delivery/delivery.ts'

const closed: Circuit = { failures: 0, open_until: null, opened: 0, next_slot_at: 0, limit: null }
const base = { statusCode: 500, request: '', response: null }
const retry: Outcome = { ...base, outcome: 'retry', reason: 'down', retryAfterMs: null }
const wait: Outcome = { ...base, outcome: 'wait', reason: 'slow down', retryAfterMs: 7000 }
const failed: Outcome = { ...base, outcome: 'failed', reason: 'gone', retryAfterMs: null }
const delivered: Outcome = { ...base, outcome: 'delivered', reason: null, retryAfterMs: null }

const run = (outcomes: Outcome[], from = closed, now = 1000) =>
  outcomes.reduce((circuit, outcome) => afterAttempt(circuit, { outcome, now, probe: false }), from)

describe('the circuit breaker', () => {
  it('stays closed through four temporary failures in a row and opens for 30 s at the fifth', () => {
    expect(run([retry, retry, retry, retry]).open_until).toBeNull()
    const open = run([retry, retry, retry, retry, retry])
    expect(open).toMatchObject({ open_until: 31_000, opened: 1 })
    expect([isOpen(open, 30_999), isOpen(open, 31_000)]).toEqual([true, false])
    expect([isProbing(open, 30_999), isProbing(open, 31_000)]).toEqual([false, true])
  })

  it.each([
    ['a delivery', delivered],
    ['a permanent failure, which shows that the target is up', failed],
  ])('starts counting again after %s', (_, outcome) => {
    expect(run([retry, retry, retry, retry, outcome, retry, retry, retry, retry]).open_until).toBeNull()
  })

  it('does not count a rate limit as a failure, but moves the next slot for all deliveries', () => {
    const circuit = run([retry, retry, retry, retry, wait])
    const limit = { since: 1000, until: 8000, waits: 1, send_window: 1 }
    expect(circuit).toEqual({ ...closed, failures: 4, next_slot_at: 8000, limit })
  })

  it('doubles its pause with each failed probe, up to ten minutes', () => {
    let circuit = run([retry, retry, retry, retry, retry], closed, 0)
    const pauses = []
    for (let i = 0; i < 7; i++) {
      const now = circuit.open_until ?? 0
      circuit = afterAttempt(circuit, { outcome: retry, now, probe: true })
      pauses.push(((circuit.open_until ?? 0) - now) / 1000)
    }
    expect(pauses).toEqual([60, 120, 240, 480, 600, 600, 600])
  })

  it('stays open no longer than the longest pause, however far ahead a wrong clock set its end', () => {
    const year = 365 * 86_400_000
    const wrong: Circuit = {
      failures: 5,
      open_until: year,
      opened: 1,
      next_slot_at: year,
      limit: { since: year, until: year, waits: 3, send_window: 1 },
    }
    expect([isOpen(wrong, 0), isProbing(wrong, 0), nextSlot(wrong, 0, 1000)]).toEqual([false, true, null])
    const after = afterAttempt(wrong, { outcome: wait, now: 0, probe: true })
    expect(after).toMatchObject({ open_until: 8000, next_slot_at: 8000, limit: { since: 0, until: 8000 } })
    expect(nextSlot({ ...wrong, next_slot_at: 100_000_000 }, 0, 100_000_000)).toBe(100_000_000)
  })

  it('closes when a probe succeeds', () => {
    const open = run([retry, retry, retry, retry, retry])
    expect(afterAttempt(open, { outcome: delivered, now: 40_000, probe: true })).toEqual(closed)
  })

  it('does not stay open longer for a message sent before it opened that fails only now', () => {
    const open = run([retry, retry, retry, retry, retry])
    expect(run([retry, retry, retry], open).open_until).toBe(open.open_until)
  })

  it('reports since when a target has failed, once that is a quarter of an hour', () => {
    expect(failingSince({ ...closed, opened: 5, open_until: 1000 }, 1000)).toBeNull()
    const pauses = (30 + 60 + 120 + 240 + 480 + 600) * 1000
    expect(failingSince({ ...closed, opened: 6, open_until: 1000 }, 1000)).toBe(1000 - pauses)
  })
})
