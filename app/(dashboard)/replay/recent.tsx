import Link from 'next/link'
import { parseListFilter } from '#lib/core/list/filter.ts'
import type { ReplayRow } from '#lib/store/schema.ts'
import { Chip } from '../../_ui/badge.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { When } from '../../_ui/when.tsx'
import { filterChips } from '../_list/filter-chips.ts'
import { replayWords } from './replay-words.ts'

/** So that one finds back to a replay that is under way. */
export function RecentReplays({ replays, now }: { replays: ReplayRow[]; now: number }) {
  if (replays.length === 0) return null
  return (
    <section aria-labelledby="recent" className="mt-8 max-w-3xl">
      <h2 id="recent" className="mb-3 font-semibold">
        Recent replays
      </h2>
      <ul className="panel divide-y divide-line">
        {replays.map((job) => {
          const { icon, tone, word } = replayWords(job)
          const chips = filterChips(parseListFilter(new URLSearchParams(job.filter)).filter)
          const words = chips.map((chip) => `${chip.name} ${chip.words}`)
          return (
            <li
              key={job.id}
              className="row flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]"
            >
              <Chip icon={icon} tone={tone} words={word} />
              <Link
                href={`/replay/${job.id}`}
                prefetch={false}
                className="row-link min-w-0 font-medium [overflow-wrap:anywhere]"
              >
                <Plain text={words.length === 0 ? 'All changes' : words.join(', ')} />
              </Link>
              <span className="text-soft">
                {job.done.toLocaleString('en')} of {job.total.toLocaleString('en')}
              </span>
              <span className="ml-auto text-faint">
                <When at={job.created_at} now={now} />
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
