import { shownLine } from '#lib/base/visible.ts'
import type { Omitted } from '#lib/core/change/change.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Isolated, type Shown } from '../../_ui/plain.tsx'

const maxLabels = 5

/** The first labels of a version, and how many more it has. */
interface LabelList {
  labels: { name: Shown; isNew: boolean }[]
  more: number
}

/** The labels of a version: before (null: unknown, or the same) and now. */
export interface LabelWords {
  before: LabelList | null
  after: LabelList
}

const listOf = (names: string[], added: ReadonlySet<string>, omitted = 0): LabelList => ({
  labels: names.slice(0, maxLabels).map((name) => ({ name: shownLine(name), isNew: added.has(name) })),
  more: Math.max(0, names.length - maxLabels) + omitted,
})

/** `omitted`: how many labels the lists leave out. */
export function labelWords(before: string[] | null, after: string[], omitted: Omitted = {}): LabelWords {
  const [had, has] = [new Set(before), new Set(after)]
  const isSame = before === null || (had.size === has.size && after.every((name) => had.has(name)))
  if (isSame) return { before: null, after: listOf(after, new Set(), omitted.labels) }
  const added = new Set(after.filter((name) => !had.has(name)))
  return {
    before: listOf(before, new Set(), omitted.labelsBefore),
    after: listOf(after, added, omitted.labels),
  }
}

export function Labels(props: { before: string[] | null; after: string[]; omitted?: Omitted | undefined }) {
  return <LabelLists {...labelWords(props.before, props.after, props.omitted)} />
}

export function LabelLists({ before, after }: LabelWords) {
  if (before === null) return <List {...after} />
  return (
    <>
      <span className="sr-only">labels from</span>
      <List {...before} />
      <Icon name="arrow" className="size-3 text-faint" />
      <span className="sr-only">to</span>
      <List {...after} />
    </>
  )
}

function List({ labels, more }: LabelList) {
  if (labels.length === 0) return <span className="text-xs text-faint">no label</span>
  return (
    <>
      {labels.map(({ name, isNew }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is fixed, and not all names are strings
        <Label key={place} name={name} isNew={isNew} />
      ))}
      {more > 0 ? <span className="text-xs text-faint">+{more.toLocaleString('en')}</span> : null}
    </>
  )
}

function Label({ name, isNew }: { name: Shown; isNew: boolean }) {
  const look = isNew ? 'border-accent/40 bg-accent-wash text-accent' : 'border-line bg-raised text-soft'
  return (
    <span className={`label ${look}`}>
      <Isolated text={name} />
    </span>
  )
}
