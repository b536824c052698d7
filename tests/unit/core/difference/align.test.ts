import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { align, fullEffort, type Run } from '#lib/core/difference/align.ts'

const tokens = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 40 })
const edits = fc.constantFrom(0, 1, 3, 1_000)

const sameLength = (runs: Run[]): number =>
  runs.reduce((sum, run) => sum + (run.same ? run.beforeEnd - run.before : 0), 0)

/** Length of the longest common subsequence, by the textbook table. */
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
  it('covers both in order, with equal tokens in every same run, whatever the bound', () => {
    fc.assert(
      fc.property(tokens, tokens, edits, (before, after, maxEdits) => {
        let [next, other] = [0, 0]
        for (const run of align(before, after, maxEdits, fullEffort()).runs) {
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

  it('finds everything in common, unless it is coarse', () => {
    fc.assert(
      fc.property(tokens, tokens, edits, (before, after, maxEdits) => {
        const { runs, coarse } = align(before, after, maxEdits, fullEffort())
        if (!coarse) expect(sameLength(runs)).toBe(longestCommon(before, after))
        else expect(maxEdits).toBeLessThan(1_000)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps only their common start and end beyond the bound', () => {
    const before = ['head', 'a', 'b', 'c', 'tail']
    const after = ['head', 'c', 'b', 'a', 'tail']
    expect(align(before, after, 1, fullEffort())).toEqual({
      runs: [
        { same: true, before: 0, beforeEnd: 1, after: 0, afterEnd: 1 },
        { same: false, before: 1, beforeEnd: 4, after: 1, afterEnd: 4 },
        { same: true, before: 4, beforeEnd: 5, after: 4, afterEnd: 5 },
      ],
      coarse: true,
    })
  })

  it('takes no effort for equal lists, and no edits for lists with nothing in common', () => {
    const numbers = (from: number) => Array.from({ length: 1_000 }, (_, i) => String(from + i))
    const effort = fullEffort()
    expect(align(numbers(0), numbers(0), 0, effort).coarse).toBe(false)
    expect(effort).toEqual(fullEffort())
    expect(align(numbers(0), numbers(1_000), 0, effort).coarse).toBe(false)
    expect(effort.left).toBe(fullEffort().left - 2_000)
  })

  it('spends effort, and is coarse once it is spent', () => {
    const numbers = Array.from({ length: 2_000 }, (_, i) => String(i))
    const effort = fullEffort()
    const isCoarse = Array.from({ length: 5 }, () => align(numbers, numbers.toReversed(), 500, effort).coarse)
    expect(isCoarse).toEqual([true, true, true, true, true])
    expect(effort.left).toBeGreaterThanOrEqual(0)
    expect(align(['a', 'b', 'c'], ['c', 'b', 'a'], 500, { left: 0 }).coarse).toBe(true)
  })
})
