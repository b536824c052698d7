import { LabelLists } from './label-lists.tsx'
import { labelWords } from './label-words.ts'

/** The labels of a version, as they were and as they are; `before` null: not known, or the same. */
export function Labels({ before, after }: { before: string[] | null; after: string[] }) {
  return <LabelLists {...labelWords(before, after)} />
}
