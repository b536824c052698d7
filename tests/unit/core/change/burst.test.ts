import { describe, expect, it } from 'vitest'
import { addToBurst, type Burst, burstWords, rowWords, spanWords } from '#lib/core/change/burst.ts'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import { observedAt, scoreRow, traceRow } from '../../observed-rows.ts'

const minute = 60_000

function burstOf(kind: 'error-trace' | 'trace' | 'score', rows: ObservedRow[], isFirst = false): Burst {
  const burst = rows.reduce<Burst | null>(
    (sum, row) => addToBurst(sum, { kind, name: 'checkout-agent', row, isFirst }),
    null,
  )
  if (!burst) throw new Error('No rows')
  return burst
}

const errors = (count: number, everyMs: number) =>
  Array.from({ length: count }, (_, i) =>
    traceRow({ id: `e${i}`, level: 'ERROR', message: `broken ${i}`, at: observedAt + i * everyMs }),
  )

describe('a burst', () => {
  it.each<[string, 'error-trace' | 'trace' | 'score', ObservedRow[], string]>([
    ['one error', 'error-trace', errors(1, 0), 'Error in checkout-agent: broken 0'],
    ['one error without a message', 'error-trace', [traceRow({ level: 'ERROR' })], 'Error in checkout-agent'],
    ['errors', 'error-trace', errors(37, 8000), '37 errors in checkout-agent in 5 minutes'],
    ['simultaneous errors', 'error-trace', errors(2, 10), '2 errors in checkout-agent within a minute'],
    [
      'a great many errors',
      'error-trace',
      errors(1200, 3600),
      '1,200 errors in checkout-agent in 72 minutes',
    ],
    ['one trace', 'trace', [traceRow()], 'Trace checkout-agent: 1.2 s, 0.02 USD'],
    ['traces', 'trace', [traceRow(), traceRow()], '2 traces of checkout-agent within a minute'],
    ['one score', 'score', [scoreRow()], 'Score checkout-agent is 0.3'],
    ['a boolean score', 'score', [scoreRow({ value: true })], 'Score checkout-agent is yes'],
    ['a category', 'score', [scoreRow({ value: 'bad' })], 'Score checkout-agent is bad'],
    [
      'scores',
      'score',
      [scoreRow(), scoreRow({ value: 0.1, at: observedAt + 4 * minute })],
      '2 scores of checkout-agent in 4 minutes, 0.1 to 0.3',
    ],
    [
      'equal scores',
      'score',
      [scoreRow(), scoreRow()],
      '2 scores of checkout-agent within a minute, all 0.3',
    ],
    [
      'categories',
      'score',
      [scoreRow({ value: 'a' }), scoreRow({ value: 'b' })],
      '2 scores of checkout-agent within a minute',
    ],
  ])('of %s has its title', (_, kind, rows, title) => {
    const { fact, rows: kept } = burstOf(kind, rows)
    expect(burstWords(fact, kept[0])).toBe(title)
  })

  it('has its first and last time in any order', () => {
    const { fact } = burstOf('error-trace', errors(5, minute).toReversed())
    expect(fact).toMatchObject({ count: 5, firstAt: observedAt, lastAt: observedAt + 4 * minute })
  })

  it('keeps 20 rows and goes on counting', () => {
    const { fact, rows } = burstOf('error-trace', errors(300, 1))
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `e${i}`))
    expect(fact.count).toBe(300)
  })

  it('keeps at most 40, even of rows that are the first to match a rule', () => {
    expect(burstOf('error-trace', errors(300, 1), true).rows).toHaveLength(40)
  })

  it('says that a count is a lower bound', () => {
    const { fact } = burstOf('error-trace', errors(3, 1))
    expect(burstWords({ ...fact, isLeast: true }, undefined)).toBe(
      'At least 3 errors in checkout-agent within a minute',
    )
  })
})

describe('a time', () => {
  it.each([
    [0, 'within a minute'],
    [minute, 'within a minute'],
    [minute + 1, 'in 2 minutes'],
  ])('of %d ms is %s', (ms, words) => {
    expect(spanWords(ms)).toBe(words)
  })
})

describe('a row', () => {
  it('shows what is known of it', () => {
    expect(rowWords(traceRow({ level: 'ERROR', model: 'gpt-5', message: 'timeout' }))).toBe(
      'ERROR · checkout · gpt-5 · 1.2 s · 0.02 USD · production: timeout',
    )
    expect(rowWords(scoreRow())).toBe('0.3 · helpfulness · EVAL · production')
  })
})
