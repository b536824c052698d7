import { describe, expect, it } from 'vitest'
import { momentWords, reconciledSentence, spanWords } from '#lib/core/change/reconciled-words.ts'

const at = (iso: string): number => Date.parse(iso)
const to = at('2026-11-27T02:31:40Z')

describe('when a reconciled change happened', () => {
  it.each([
    ['between 2026-11-27 02:14 and 02:31 UTC', at('2026-11-27T02:14:05Z')],
    ['between 2026-11-24 22:00 and 2026-11-27 02:31 UTC', at('2026-11-24T22:00:00Z')],
    ['at 2026-11-27 02:31 UTC', at('2026-11-27T02:31:02Z')],
    ['before 2026-11-27 02:31 UTC', null],
  ])('is %s', (words, from) => {
    expect(spanWords({ from, to })).toBe(words)
  })

  it('is known by its webhook, if that comes later', () => {
    const late = { by: null, at: at('2026-11-27T02:20:00Z'), changeId: 'chg_1' }
    expect(momentWords({ from: null, to, late })).toBe('at 2026-11-27 02:20 UTC')
    expect(momentWords({ from: null, to })).toBe('before 2026-11-27 02:31 UTC')
  })

  it.each([
    [
      undefined,
      'Found by comparing with Langfuse; no webhook came. It happened before 2026-11-27 02:31 UTC.',
    ],
    [
      'Jo',
      'Found by comparing with Langfuse. Its webhook came later: it happened by *Jo* at 2026-11-27 02:31 UTC.',
    ],
    [
      'API',
      'Found by comparing with Langfuse. Its webhook came later: it happened by the API at 2026-11-27 02:31 UTC.',
    ],
    [null, 'Found by comparing with Langfuse. Its webhook came later: it happened at 2026-11-27 02:31 UTC.'],
  ])('is said with whoever a late webhook names: %s', (by, sentence) => {
    const late = by === undefined ? {} : { late: { by, at: to, changeId: 'chg_1' } }
    expect(reconciledSentence({ from: null, to, ...late }, (name) => `*${name}*`)).toBe(sentence)
  })
})
