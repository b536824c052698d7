import type { Omitted } from '#lib/core/change/change.ts'
import { LabelLists } from './label-lists.tsx'
import { labelWords } from './label-words.ts'

/** The labels of a version, as they were and as they are; `before` null: not known, or the same. */
export function Labels({
  before,
  after,
  omitted,
}: {
  before: string[] | null
  after: string[]
  omitted?: Omitted | undefined
}) {
  return <LabelLists {...labelWords(before, after, omitted)} />
}
