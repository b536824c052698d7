import { Icon } from '../../_ui/icons.tsx'
import { Isolated, type Shown } from '../../_ui/shown.tsx'
import type { LabelList, LabelWords } from './label-words.ts'

function Label({ name, isNew }: { name: Shown; isNew: boolean }) {
  const look = isNew ? 'border-accent/40 bg-accent-wash text-accent' : 'border-line bg-raised text-soft'
  return (
    <span className={`label ${look}`}>
      <Isolated text={name} />
    </span>
  )
}

function List({ labels, more }: LabelList) {
  if (labels.length === 0) return <span className="text-xs text-faint">no label</span>
  return (
    <>
      {labels.map(({ name, isNew }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list, of names that are not all strings
        <Label key={place} name={name} isNew={isNew} />
      ))}
      {more > 0 ? <span className="text-xs text-faint">+{more.toLocaleString('en')}</span> : null}
    </>
  )
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
