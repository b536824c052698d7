import { shownLine } from '#lib/base/visible.ts'
import type { Omitted } from '#lib/core/change/change.ts'
import type { Shown } from '../../_ui/shown.tsx'

const max = 5

/** The first labels of a version, and how many more it has. */
export interface LabelList {
  labels: { name: Shown; isNew: boolean }[]
  more: number
}

const listOf = (names: string[], fresh: ReadonlySet<string>, omitted = 0): LabelList => ({
  labels: names.slice(0, max).map((name) => ({ name: shownLine(name), isNew: fresh.has(name) })),
  more: Math.max(0, names.length - max) + omitted,
})

/** The labels of a version, as they were (null: not known, or the same) and as they are. */
export interface LabelWords {
  before: LabelList | null
  after: LabelList
}

/** `omitted`: how many labels are left out of the lists. */
export function labelWords(before: string[] | null, after: string[], omitted: Omitted = {}): LabelWords {
  const [had, has] = [new Set(before), new Set(after)]
  const isSame = before === null || (had.size === has.size && after.every((name) => had.has(name)))
  if (isSame) return { before: null, after: listOf(after, new Set(), omitted.labels) }
  const fresh = new Set(after.filter((name) => !had.has(name)))
  return {
    before: listOf(before, new Set(), omitted.labelsBefore),
    after: listOf(after, fresh, omitted.labels),
  }
}
