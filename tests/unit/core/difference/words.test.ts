import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { markWords, type Part } from '#lib/core/difference/words.ts'

const whole = (parts: Part[]): string => parts.map(({ text }) => text).join('')
const bare = (parts: Part[]): string => whole(parts.filter(({ changed }) => !changed)).replaceAll(/\s/g, '')

describe('marking the words of two lines', () => {
  it('changes no character, and leaves the same words unmarked on both sides', () => {
    const line = fc
      .array(fc.constantFrom('a', 'bc', ' ', '  ', '\t', '你', '{{v}}', '👩‍💻', '🇩🇪', 'e\u0301', '\ud83d'), {
        maxLength: 20,
      })
      .map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(line, line, (before, after) => {
        const marked = markWords(before, after)
        expect([whole(marked.before), whole(marked.after)]).toEqual([before, after])
        expect(bare(marked.before)).toBe(bare(marked.after))
      }),
      { numRuns: 1_000 },
    )
  })

  it.each([
    ['start', `${'👋'.repeat(200)}👋 x`, `${'👋'.repeat(200)}👌 x`],
    ['end', `x 👋${'👋'.repeat(200)}`, `x 🡋${'👋'.repeat(200)}`],
  ])('never parts a surrogate pair at the common %s of long lines', (_, before, after) => {
    const { before: left, after: right } = markWords(before, after)
    expect(left.length).toBeGreaterThan(1)
    for (const { text } of [...left, ...right]) expect(text.isWellFormed()).toBe(true)
  })
})
