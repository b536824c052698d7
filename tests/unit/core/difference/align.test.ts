import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { align, maxEditsFor, type Run } from '#lib/core/difference/align.ts'

const tokens = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 40 })
const edits = fc.constantFrom(0, 1, 3, 1_000)

const sameLength = (runs: Run[]): number =>
  runs.reduce((sum, run) => sum + (run.same ? run.beforeEnd - run.before : 0), 0)

/** Length of the longest common subsequence, by the table that everyone knows. */
function longestCommon(before: string[], after: string[]): number {
  let row = new Array<number>(after.length + 1).fill(0)
  for (const token of before) {
    const next = [0]
    after.forEach((other, j) => {
      next.push(token === other ? (row[j] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0))
    })
    row = next
  }
  return row.at(-1) ?? 0
}

describe('aligning two lists', () => {
  it('covers both in order, with equal tokens in each same run, whatever the bound', () => {
    fc.assert(
      fc.property(tokens, tokens, edits, (before, after, maxEdits) => {
        let [next, other] = [0, 0]
        for (const run of align(before, after, maxEdits).runs) {
          expect([run.before, run.after]).toEqual([next, other])
          const pair = [before.slice(run.before, run.beforeEnd), after.slice(run.after, run.afterEnd)]
          if (run.same) expect(pair[0]).toEqual(pair[1])
          ;[next, other] = [run.beforeEnd, run.afterEnd]
        }
        expect([next, other]).toEqual([before.length, after.length])
      }),
      { numRuns: 1_000 },
    )
  })

  it('finds as much in common as there is, unless it says that it is coarse', () => {
    fc.assert(
      fc.property(tokens, tokens, edits, (before, after, maxEdits) => {
        const { runs, coarse } = align(before, after, maxEdits)
        if (!coarse) expect(sameLength(runs)).toBe(longestCommon(before, after))
        else expect(maxEdits).toBeLessThan(1_000)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is mirrored when the lists are swapped', () => {
    fc.assert(
      fc.property(tokens, tokens, edits, (before, after, maxEdits) => {
        const mirrored = align(after, before, maxEdits).runs.map((run) => ({
          same: run.same,
          before: run.after,
          beforeEnd: run.afterEnd,
          after: run.before,
          afterEnd: run.beforeEnd,
        }))
        expect(mirrored).toEqual(align(before, after, maxEdits).runs)
      }),
      { numRuns: 1_000 },
    )
  })

  it('holds on to tokens that occur once, and to equal ones beside them, when it is coarse', () => {
    const before = ['x', '', 'one', '', 'p', 'q', '', 'two', '', 'y']
    const after = ['y', '', 'one', '', 'q', 'p', '', 'two', '', 'x']
    const { runs, coarse } = align(before, after, 1)
    expect(coarse).toBe(true)
    expect(sameLength(runs)).toBeGreaterThanOrEqual(6)
  })

  it('searches less the more there is to search', () => {
    expect([100, 10_000, 1_000_000].map(maxEditsFor)).toEqual([1_500, 399, 8])
  })

  it('compares more than 300,000 tokens by common start and end alone', () => {
    const list = (first: string) => ['head', first, ...new Array<string>(200_000).fill('a'), 'x', first]
    const { runs, coarse } = align(list('b'), list('c'), 1_500)
    expect(coarse).toBe(true)
    expect(sameLength(runs)).toBe(1)
  })
})
