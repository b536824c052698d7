import Link from 'next/link'
import { visibleText } from '#lib/base/visible.ts'
import type { ListFilter } from '#lib/core/list/filter.ts'
import { Icon } from '../../_ui/icons.tsx'
import { pathWith } from '../../_ui/list-query.ts'
import { Plain } from '../../_ui/plain.tsx'
import { countWords } from '../../_ui/quantity-words.ts'
import { type FilterChip, filterQuery } from './filter-chips.ts'

interface Props {
  filter: ListFilter
  chips: FilterChip[]
  matching: { count: number; isMore: boolean }
}

/** The filters in use, each with a link that removes it, and what can be done with all matching changes. */
export function ActiveFilter({ filter, chips, matching: { count, isMore } }: Props) {
  const words = countWords(count, 'change', { isMore })
  return (
    <div className="mb-3 flex flex-wrap items-center gap-1.5 text-[13px]">
      {chips.map((chip) => (
        <Active key={`${chip.name} ${chip.words}`} {...chip} />
      ))}
      <Link href="/" prefetch={false} className="link mx-1.5">
        Clear
      </Link>
      <span className="ml-auto text-faint">{words}</span>
      {count === 0 ? null : (
        <Link
          href={pathWith('/replay', filterQuery(filter))}
          prefetch={false}
          data-key="replay"
          className="link ml-3 inline-flex items-center gap-1"
        >
          <Icon name="retry" className="size-3.5" /> Replay all matching changes
        </Link>
      )}
    </div>
  )
}

function Active({ name, words, href }: FilterChip) {
  return (
    <span className="inline-flex h-6 max-w-full items-center rounded-md border border-line bg-panel pl-2 text-xs">
      <span className="truncate">
        <span className="text-faint">{name} </span>
        <span className="font-medium">
          <Plain text={words} />
        </span>
      </span>
      <Link
        href={href}
        prefetch={false}
        aria-label={`Remove ${name} ${visibleText(words)}`}
        className="grid size-6 shrink-0 place-items-center rounded-md text-faint hover:text-ink"
      >
        <Icon name="cross" className="size-3" />
      </Link>
    </span>
  )
}

const maxNotices = 3

/** What the address asks for that is not a filter. */
export function Ignored({ sentences }: { sentences: string[] }) {
  if (sentences.length === 0) return null
  const more = sentences.length - maxNotices
  return (
    <div role="note" className="mb-3 rounded-lg bg-warn-wash px-3 py-2 text-[13px] text-warn">
      {sentences.slice(0, maxNotices).map((sentence) => (
        <p key={sentence} className="[overflow-wrap:anywhere]">
          <Plain text={sentence} />
        </p>
      ))}
      {more > 0 ? <p>{`And ${more} more.`}</p> : null}
    </div>
  )
}
