import { Icon } from './icons.tsx'
import { Plain } from './plain.tsx'

const most = 5

function Label({ name, isNew }: { name: string; isNew: boolean }) {
  const look = isNew ? 'border-accent/40 bg-accent-wash text-accent' : 'border-line bg-raised text-soft'
  return (
    <span
      className={`inline-block max-w-40 truncate rounded border px-1 font-mono text-[11px] leading-[17px] ${look}`}
    >
      <Plain text={name} />
    </span>
  )
}

function LabelList({ labels, fresh }: { labels: string[]; fresh: string[] }) {
  if (labels.length === 0) return <span className="text-xs text-faint">no label</span>
  return (
    <>
      {labels.slice(0, most).map((name) => (
        <Label key={name} name={name} isNew={fresh.includes(name)} />
      ))}
      {labels.length > most ? <span className="text-xs text-faint">+{labels.length - most}</span> : null}
    </>
  )
}

/** The labels of a version, as they were and as they are; `before` null: not known, or the same. */
export function Labels({ before, after }: { before: string[] | null; after: string[] }) {
  const isSame = before === null || (before.length === after.length && after.every((l) => before.includes(l)))
  if (isSame) return <LabelList labels={after} fresh={[]} />
  return (
    <>
      <span className="sr-only">labels from</span>
      <LabelList labels={before} fresh={[]} />
      <Icon name="arrow" className="size-3 text-faint" />
      <span className="sr-only">to</span>
      <LabelList labels={after} fresh={after.filter((name) => !before.includes(name))} />
    </>
  )
}
