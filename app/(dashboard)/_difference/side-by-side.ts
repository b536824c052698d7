import type { DifferenceLine, Skipped } from '#lib/core/difference/difference.ts'

/** One row of two columns; null: that side has no line here. */
export interface SideRow {
  before: DifferenceLine | null
  after: DifferenceLine | null
}

/** Rows that belong together: unchanged ones, or what was removed beside what was added in its place. */
export type SideRun = { isSame: boolean; rows: SideRow[] } | Skipped

const isMarked = ({ parts }: DifferenceLine): boolean => parts.some(({ changed }) => !changed)

/** Puts the lines of a difference side by side, each changed line beside its new version. */
export function sideBySide(lines: (DifferenceLine | Skipped)[]): SideRun[] {
  const runs: SideRun[] = []
  for (let at = 0; at < lines.length; ) {
    const one = lines[at]
    if (one === undefined || 'skipped' in one) {
      if (one) runs.push(one)
      at++
      continue
    }
    const isSame = one.sign === ' '
    const run: DifferenceLine[] = []
    for (let next = lines[at]; next && 'sign' in next && (next.sign === ' ') === isSame; next = lines[++at])
      run.push(next)
    runs.push({
      isSame,
      rows: isSame ? run.map((line) => ({ before: line, after: line })) : besideEachOther(run),
    })
  }
  return runs
}

/**
 * The difference pairs lines in order, and marks words only within pairs. So lines with marks are paired with each other,
 * and the lines between them are paired from the top.
 */
function besideEachOther(run: DifferenceLine[]): SideRow[] {
  const removed = run.filter(({ sign }) => sign === '-')
  const added = run.filter(({ sign }) => sign === '+')
  const olds = placesOf(removed)
  const news = placesOf(added)
  // The overall limit may have cut off one side of a pair.
  if (olds.length !== news.length) return zipped(removed, added)
  const ends = [...olds.keys(), olds.length]
  return ends.flatMap((pair) => {
    const [old, fresh] = [olds[pair] ?? removed.length, news[pair] ?? added.length]
    const [fromOld, fromNew] = [(olds[pair - 1] ?? -1) + 1, (news[pair - 1] ?? -1) + 1]
    const between = zipped(removed.slice(fromOld, old), added.slice(fromNew, fresh))
    return [...between, ...zipped(removed.slice(old, old + 1), added.slice(fresh, fresh + 1))]
  })
}

const placesOf = (lines: DifferenceLine[]): number[] =>
  lines.flatMap((line, at) => (isMarked(line) ? [at] : []))

const zipped = (removed: DifferenceLine[], added: DifferenceLine[]): SideRow[] =>
  Array.from({ length: Math.max(removed.length, added.length) }, (_, at) => ({
    before: removed[at] ?? null,
    after: added[at] ?? null,
  }))
