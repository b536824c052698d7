import { shownLine } from '#lib/visible.ts'
import type { Shown } from './shown.tsx'

const most = 5

/** The first labels of a version, and how many more it has. */
export interface LabelList {
  labels: { name: Shown; isNew: boolean }[]
  more: number
}

const listOf = (names: string[], fresh: string[]): LabelList => ({
  labels: names.slice(0, most).map((name) => ({ name: shownLine(name), isNew: fresh.includes(name) })),
  more: Math.max(0, names.length - most),
})

/** The labels of a version, as they were (null: not known, or the same) and as they are. */
export interface LabelWords {
  before: LabelList | null
  after: LabelList
}

export function labelWords(before: string[] | null, after: string[]): LabelWords {
  const isSame = before === null || (before.length === after.length && after.every((l) => before.includes(l)))
  if (isSame) return { before: null, after: listOf(after, []) }
  const fresh = after.filter((name) => !before.includes(name))
  return { before: listOf(before, []), after: listOf(after, fresh) }
}
