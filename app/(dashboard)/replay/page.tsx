import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import { listFilterParams, parseListFilter } from '#lib/core/list/filter.ts'
import { previewReplay } from '#lib/pipeline/replay/job.ts'
import { relay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { recentReplays } from '#lib/store/tables/replays.ts'
import { Icon } from '../../_ui/icons.tsx'
import type { SearchParams } from '../../_ui/list-query.ts'
import { FilterWords } from './filter-words.tsx'
import { Question } from './question.tsx'
import { RecentReplays } from './recent.tsx'

export const metadata: Metadata = { title: 'Replay' }

const maxRecent = 10

const notices = new Map([
  ['nothing', 'Nothing matches any more, so nothing was started.'],
  ['too-many', 'That is too much at once, so nothing was started. Narrow it down.'],
  ['more', 'More match by now than you were told of, so nothing was started. Look again before you go on.'],
])

/** The question before a replay of all that match: what would happen, in numbers. Writes nothing. */
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
      <h1 className="mt-4 text-[22px] leading-tight font-semibold tracking-tight">Replay all that match</h1>
      <FilterWords filter={filter} />
      {notice ? (
        <p role="alert" className="mt-5 max-w-3xl rounded-lg bg-warn-wash px-4 py-2.5 text-warn">
          {notice}
        </p>
      ) : null}
      <Question
        preview={preview}
        query={query}
        back={path('/')}
        targets={Object.keys(running.routes.targets)}
      />
      <RecentReplays replays={recent} now={now} />
    </>
  )
}
