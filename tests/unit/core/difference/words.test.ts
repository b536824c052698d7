import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fullEffort } from '#lib/core/difference/align.ts'
import { type LinePart, markLines } from '#lib/core/difference/words.ts'

const whole = (parts: LinePart[]): string => parts.map(({ text }) => text).join('')
/** `«»` around what changed. */
const draw = (parts: LinePart[]): string =>
  parts.map(({ text, changed }) => (changed ? `«${text}»` : text)).join('')

const drawn = (before: string[], after: string[]): [string[], string[]] => {
  const marked = markLines(before, after, fullEffort())
  return [marked.before.map(draw), marked.after.map(draw)]
}

describe('marking the words of replaced lines', () => {
  it('changes no character of any line', () => {
    const line = fc
      .array(
        fc.constantFrom(
          'a',
          'bc',
          ' ',
          '  ',
          '\t',
          '你',
          '{{v}}',
          '👩‍💻',
          '🇩🇪',
          'e\u0301',
          '\ud83d',
          '\u2028',
        ),
        {
          maxLength: 20,
        },
      )
      .map((pieces) => pieces.join(''))
    const lines = fc.array(line, { maxLength: 5 })
    const efforts = fc.constantFrom(0, 100, 1_000_000)
    fc.assert(
      fc.property(lines, lines, efforts, (before, after, left) => {
        const marked = markLines(before, after, { left })
        expect([marked.before.map(whole), marked.after.map(whole)]).toEqual([before, after])
      }),
      { numRuns: 1_000 },
    )
  })

  it('leaves the same words unmarked on both sides, where both are one line', () => {
    const line = fc
      .array(fc.constantFrom('a', 'bc', ' ', '你', '🇩🇪'), { maxLength: 20 })
      .map((all) => all.join(''))
    const bare = (parts: LinePart[]): string =>
      whole(parts.filter(({ changed }) => !changed)).replaceAll(/\s/g, '')
    fc.assert(
      fc.property(line, line, (before, after) => {
        const marked = markLines([before], [after], fullEffort())
        const [old, fresh] = [bare(marked.before[0] ?? []), bare(marked.after[0] ?? [])]
        // A line with little in common is marked whole.
        if (old !== '' && fresh !== '') expect(old).toBe(fresh)
      }),
      { numRuns: 1_000 },
    )
  })

  it('finds words that went to another line', () => {
    expect(drawn(['Be kind. Answer in English only.'], ['Be kind.', 'Answer in English.'])).toEqual([
      ['Be kind.« »Answer in English« only».'],
      ['Be kind.', 'Answer in English.'],
    ])
  })

  it('compares line by line what is too long to compare at once', () => {
    const lines = (word: string) =>
      Array.from({ length: 400 }, (_, i) => `line ${i} of very many says ${word} and ends`)
    const [before, after] = drawn(lines('this'), lines('that'))
    expect([before[200], after[200]]).toEqual([
      'line 200 of very many says «this» and ends',
      'line 200 of very many says «that» and ends',
    ])
  })

  it('marks lines whole where they are too different, and says so', () => {
    const words = Array.from({ length: 400 }, (_, i) => `w${i}`)
    const marked = markLines([words.join(' ')], [words.toReversed().join(' ')], fullEffort())
    expect(marked).toMatchObject({ coarse: true, before: [[{ changed: true }]] })
  })

  it.each([
    ['start', `${'👋'.repeat(200)}👋 x`, `${'👋'.repeat(200)}👌 x`],
    ['end', `x 👋${'👋'.repeat(200)}`, `x 🡋${'👋'.repeat(200)}`],
  ])('never splits a surrogate pair at the common %s of long lines', (_, before, after) => {
    const marked = markLines([before], [after], fullEffort())
    const parts = [...marked.before, ...marked.after].flat()
    expect(parts.length).toBeGreaterThan(2)
    for (const { text } of parts) expect(text.isWellFormed()).toBe(true)
  })
})
