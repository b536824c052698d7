import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import { parseListFilter } from '#lib/core/list/filter.ts'
import { database } from '#lib/store/client.ts'
import type { ReplayRow } from '#lib/store/schema.ts'
import { replayById } from '#lib/store/tables/replays.ts'
import { AutoRefresh } from '../../../_ui/auto-refresh.tsx'
import { Tile } from '../../../_ui/badge.tsx'
import { Icon } from '../../../_ui/icons.tsx'
import { When } from '../../../_ui/when.tsx'
import { Empty } from '../../_list/empty.tsx'
import { cancel } from '../actions.ts'
import { FilterWords } from '../filter-words.tsx'
import { isUnderWay, modeWords, replayWords } from '../replay-words.ts'

export const metadata: Metadata = { title: 'Replay' }

const everyMs = 1000

export default async function ReplayProgressPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  await requireSession(`/replay/${encodeURIComponent(id)}`)
  const job = await replayById(await database(), id)
  if (!job) return <Gone />
  const now = Date.now()
  const { icon, tone, word } = replayWords(job)
  const { filter } = parseListFilter(new URLSearchParams(job.filter))
  return (
    <>
      <Link
        href="/"
        prefetch={false}
        className="inline-flex items-center gap-1.5 text-[13px] text-soft hover:text-ink"
      >
        <Icon name="left" className="size-3.5" /> Changes
      </Link>
      <div className="mt-4 flex items-center gap-2.5">
        <Tile icon={icon} tone={tone} spins={isUnderWay(job)} />
        <span className="font-medium">{word}</span>
        <span className="text-faint">
          <When at={job.finished_at ?? job.created_at} now={now} />
        </span>
      </div>
      <h1 className="mt-3 text-[22px] leading-tight font-semibold tracking-tight">
        Replay of {job.total === 1 ? 'one change' : `${job.total.toLocaleString('en')} changes`},{' '}
        {modeWords[job.mode]}
      </h1>
      <FilterWords filter={filter} />
      <Progress job={job} />
    </>
  )
}

const number = (count: number): string => count.toLocaleString('en')

function Progress({ job }: { job: ReplayRow }) {
  const { id, done, total } = job
  const runs = isUnderWay(job)
  return (
    <section aria-labelledby="progress" className="panel mt-5 max-w-3xl p-5">
      <h2 id="progress" className="sr-only">
        Progress
      </h2>
      <p className="flex items-baseline justify-between gap-4">
        <span className="text-[15px] font-semibold">
          {number(done)} of {number(total)}
        </span>
        <span className="text-[13px] text-soft">changes dealt with</span>
      </p>
      <progress value={done} max={total} aria-label="Changes dealt with" className="progress mt-3" />
      <p className="mt-4 text-[13px] text-soft">{outcomeWords(job)}</p>
      <div className="mt-4 flex flex-wrap items-center gap-2 empty:hidden">
        {runs ? (
          <form action={cancel}>
            <input type="hidden" name="replay" value={id} />
            <button type="submit" className="button">
              <Icon name="cross" className="size-3.5" />
              Cancel the rest
            </button>
          </form>
        ) : null}
        {runs ? (
          <noscript>
            <a href={`/replay/${id}`} className="button">
              Look again
            </a>
          </noscript>
        ) : null}
      </div>
      {runs ? <AutoRefresh everyMs={everyMs} /> : null}
    </section>
  )
}

/** What has come of it so far; deliveries, where the numbers above are changes. */
function outcomeWords(job: ReplayRow): string {
  const { queued, left, done, total } = job
  const went = queued === 1 ? 'One delivery was queued' : `${number(queued)} deliveries were queued`
  const stayed =
    left === 0
      ? ''
      : `, and ${left === 1 ? 'one was' : `${number(left)} were`} left as ${left === 1 ? 'it is' : 'they are'}`
  const queuedWords = `${went}${stayed}.`
  if (isUnderWay(job)) return `${queuedWords} They go out at each target's pace. You can leave this page.`
  if (job.cancelled === 1)
    return `${queuedWords} What is queued already still goes out; the rest was not touched.`
  if (done < total) return `${queuedWords} The other changes no longer matched when their turn came.`
  return `${queuedWords} They go out at each target's pace.`
}

function Gone() {
  return (
    <Empty title="There is no such replay" heading={1}>
      <p>The address is wrong, or it ended long ago: the newest 50 are kept.</p>
      <Link href="/" prefetch={false} className="button mt-4">
        To the changes
      </Link>
    </Empty>
  )
}
