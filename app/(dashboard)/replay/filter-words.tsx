import type { ListFilter } from '#lib/core/list/filter.ts'
import { Plain } from '../../_ui/plain.tsx'
import { filterChips } from '../_list/filter-chips.ts'

/** The filter of a replay, in words. */
export function FilterWords({ filter }: { filter: ListFilter }) {
  const chips = filterChips(filter)
  if (chips.length === 0) return <p className="mt-2 text-soft">All changes except tests.</p>
  return (
    <ul aria-label="Filter" className="mt-3 flex flex-wrap gap-1.5">
      {chips.map(({ name, words }) => (
        <li
          key={`${name} ${words}`}
          className="max-w-full rounded-md border border-line bg-panel px-2 py-0.5 text-xs [overflow-wrap:anywhere]"
        >
          <span className="text-faint">{name} </span>
          <span className="font-medium">
            <Plain text={words} />
          </span>
        </li>
      ))}
    </ul>
  )
}
