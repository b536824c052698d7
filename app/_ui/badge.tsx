import type { Tone } from '#lib/core/change/kinds.ts'
import { Icon, type IconName } from './icons.tsx'

export const toneClass: Record<Tone, string> = {
  accent: 'bg-accent-wash text-accent',
  good: 'bg-good-wash text-good',
  warn: 'bg-warn-wash text-warn',
  bad: 'bg-bad-wash text-bad',
  quiet: 'bg-quiet-wash text-quiet',
}

/** An icon in a coloured tile; the word is beside it. */
export function Tile({ icon, tone, spins = false }: { icon: IconName; tone: Tone; spins?: boolean }) {
  return (
    <span className={`grid size-7 shrink-0 place-items-center rounded-lg ${toneClass[tone]}`}>
      <Icon name={icon} className={spins ? 'size-4 spin' : 'size-4'} />
    </span>
  )
}

export interface ChipProps {
  icon?: IconName
  tone: Tone
  name?: string
  words: string
  title?: string
}

export function Chip({ icon, tone, name, words, title }: ChipProps) {
  return (
    <span title={title} className={`above chip ${toneClass[tone]}`}>
      {icon ? <Icon name={icon} className="size-3.5" /> : null}
      <span className="truncate">
        {name === undefined ? null : <span className="font-medium">{`${name} `}</span>}
        {words}
      </span>
    </span>
  )
}

/** A chip with its full reason as a tooltip, and as text for screen readers. */
export function ChipWithWhy({ why, ...chip }: Omit<ChipProps, 'title'> & { why: string | null }) {
  if (why === null) return <Chip {...chip} />
  return (
    <>
      <Chip {...chip} title={why} />
      <span className="sr-only">{why}</span>
    </>
  )
}
