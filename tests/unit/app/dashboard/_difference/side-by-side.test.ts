import { describe, expect, it } from 'vitest'
import { diffTexts } from '#lib/core/difference/difference.ts'
import { sideBySide } from '../../../../../app/(dashboard)/_difference/side-by-side.ts'

/** Each row as `left | right`, folds as `(n)`. */
function rowsOf(before: string[], after: string[]): string[] {
  const lines = diffTexts(before.join('\n'), after.join('\n')).blocks.flatMap((block) => block.lines)
  const textOf = (line: { parts: { text: string }[] } | null) =>
    line === null ? '' : line.parts.map(({ text }) => text).join('')
  return sideBySide(lines).flatMap((run) =>
    'skipped' in run
      ? [`(${run.skipped})`]
      : run.rows.map((row) => `${textOf(row.before)} | ${textOf(row.after)}`),
  )
}

describe('the two columns of a difference', () => {
  it('have the same line on both sides if nothing changed', () => {
    expect(rowsOf(['a', 'b'], ['a', 'c'])).toEqual(['a | a', 'b | c'])
  })

  it('leave a gap beside a line that is on one side only', () => {
    expect(rowsOf(['a', 'z'], ['a', 'one', 'two', 'z'])).toEqual(['a | a', ' | one', ' | two', 'z | z'])
    expect(rowsOf(['a', 'one', 'z'], ['a', 'z'])).toEqual(['a | a', 'one | ', 'z | z'])
  })

  it('put a changed line beside its new version', () => {
    const before = ['Answer in two short sentences.']
    const after = ['A wholly other line', 'Answer in three short sentences.', 'Last']
    expect(rowsOf(before, after)).toEqual([
      ' | A wholly other line',
      'Answer in two short sentences. | Answer in three short sentences.',
      ' | Last',
    ])
  })

  it('fold what the difference folds', () => {
    const many = Array.from({ length: 20 }, (_, i) => `line ${i}`)
    const rows = rowsOf(['old', ...many], ['new', ...many])
    expect(rows[0]).toBe('old | new')
    expect(rows.at(-1)).toBe('(17)')
  })

  it('have every line once on its side, in order, for any texts', () => {
    const words = ['red', 'green', 'blue', 'a longer line of red', 'a longer line of green', '']
    for (let seed = 1; seed < 200; seed++) {
      const pick = (salt: number) =>
        Array.from(
          { length: (seed * salt) % 7 },
          (_, i) => words[(seed * salt * (i + 3)) % words.length] ?? '',
        )
      const [before, after] = [pick(3), pick(5)]
      const { blocks } = diffTexts(before.join('\n'), after.join('\n'))
      const lines = blocks.flatMap((block) => block.lines)
      const rows = sideBySide(lines).flatMap((run) => ('skipped' in run ? [] : run.rows))
      const numbers = (side: 'before' | 'after') => rows.flatMap((row) => row[side]?.[side] ?? [])
      const shown = (side: 'before' | 'after') =>
        lines.flatMap((line) => ('skipped' in line ? [] : (line[side] ?? [])))
      expect(numbers('before')).toEqual(shown('before'))
      expect(numbers('after')).toEqual(shown('after'))
    }
  })
})
