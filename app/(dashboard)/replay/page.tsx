import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import { listFilterParams, parseListFilter } from '#lib/core/list/filter.ts'
import { previewReplay } from '#lib/pipeline/replay/bulk-replay.ts'
import { relay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import type { ReplayRow } from '#lib/store/schema.ts'
import { recentReplays } from '#lib/store/tables/replays.ts'
import { Chip } from '../../_ui/badge.tsx'
import { Icon } from '../../_ui/icons.tsx'
import type { SearchParams } from '../../_ui/list-query.ts'
import { Plain } from '../../_ui/plain.tsx'
import { numberWords } from '../../_ui/quantity-words.ts'
import { When } from '../../_ui/when.tsx'
import { filterChips } from '../_list/filter-chips.ts'
import { FilterWords } from './filter-words.tsx'
import { Question } from './question.tsx'
import { replayWords } from './replay-words.ts'

export const metadata: Metadata = { title: 'Replay' }

const maxRecent = 10

const notices = new Map([
  ['nothing', 'Nothing was started: no change matches any more.'],
  ['too-many', 'Nothing was started: too many changes match. Narrow the filter down.'],
  [
    'more',
    'Nothing was started: more changes match now than when you loaded this page. Check before you go on.',
  ],
])

/** Asks before a replay of all matching changes, and shows what it would do. Writes nothing. */
export default async function ReplayPage({ searchParams }: { searchParams: SearchParams }) {
  const params = await searchParams
  const { filter } = parseListFilter(params)
  const query = listFilterParams(filter).toString()
  const path = (base: string) => (query === '' ? base : `${base}?${query}`)
  await requireSession(path('/replay'))
  const { relay: running } = relay()
  if (!running) return null
  const db = await database()
  const now = Date.now()
  const preview = await previewReplay({ db, routes: running.routes }, filter, now)
  const recent = await recentReplays(db, maxRecent)
  const notice = notices.get(String(params.notice))
  return (
    <>
      <Link
        href={path('/')}
        prefetch={false}
        className="inline-flex items-center gap-1.5 text-[13px] text-soft hover:text-ink"
      >
        <Icon name="left" className="size-3.5" /> Changes
      </Link>
      <h1 className="mt-4 text-[22px] leading-tight font-semibold tracking-tight">
        Replay all matching changes
      </h1>
      <FilterWords filter={filter} />
      {notice ? (
        <p role="alert" className="mt-5 max-w-3xl rounded-lg bg-warn-wash px-4 py-2.5 text-warn">
          {notice}
        </p>
      ) : null}
      <Question preview={preview} query={query} back={path('/')} targets={running.routes.targets} />
      <RecentReplays replays={recent} now={now} />
    </>
  )
}

/** The way back to a replay that is running. */
function RecentReplays({ replays, now }: { replays: ReplayRow[]; now: number }) {
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
                {numberWords(job.done)} of {numberWords(job.total)}
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
