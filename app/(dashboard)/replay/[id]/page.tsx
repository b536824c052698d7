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
import { countWords, numberWords } from '../../../_ui/quantity-words.ts'
import { When } from '../../../_ui/when.tsx'
import { Missing } from '../../_list/empty.tsx'
import { cancel } from '../actions.ts'
import { FilterWords } from '../filter-words.tsx'
import { modeTitles } from '../replay-mode.tsx'
import { isRunning, replayWords } from '../replay-words.ts'

export const metadata: Metadata = { title: 'Replay' }

const everyMs = 1000

export default async function ReplayProgressPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params
  await requireSession(`/replay/${encodeURIComponent(id)}`)
  const job = await replayById(await database(), id)
  if (!job)
    return (
      <Missing title="Replay not found">
        The address is wrong, or the replay ended long ago: the last 50 are kept.
      </Missing>
    )
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
        <Tile icon={icon} tone={tone} spins={isRunning(job)} />
        <span className="font-medium">{word}</span>
        <span className="text-faint">
          <When at={job.finished_at ?? job.created_at} now={now} />
        </span>
      </div>
      <h1 className="mt-3 text-[22px] leading-tight font-semibold tracking-tight">
        Replay of {countWords(job.total, 'change')}, {modeTitles[job.mode].toLowerCase()}
      </h1>
      <FilterWords filter={filter} />
      <Progress job={job} />
    </>
  )
}

function Progress({ job }: { job: ReplayRow }) {
  const { id, done, total } = job
  const runs = isRunning(job)
  return (
    <section aria-labelledby="progress" className="panel mt-5 max-w-3xl p-5">
      <h2 id="progress" className="sr-only">
        Progress
      </h2>
      <p className="flex items-baseline justify-between gap-4">
        <span className="text-[15px] font-semibold">
          {numberWords(done)} of {numberWords(total)}
        </span>
        <span className="text-[13px] text-soft">changes processed</span>
      </p>
      <progress value={done} max={total} aria-label="Changes processed" className="progress mt-3" />
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
              Reload
            </a>
          </noscript>
        ) : null}
      </div>
      {runs ? <AutoRefresh everyMs={everyMs} /> : null}
    </section>
  )
}

/** The outcome so far, in deliveries; the numbers above are changes. */
function outcomeWords(job: ReplayRow): string {
  const { queued, left, done, total } = job
  const were = { many: 'deliveries were' }
  const kept = left === 0 ? '' : `; ${countWords(left, 'was', { many: 'were' })} left unchanged`
  const outcome = `${countWords(queued, 'delivery was', were)} queued${kept}.`
  if (isRunning(job)) return `${outcome} They are sent at each target's pace. You can leave this page.`
  if (job.cancelled === 1)
    return `${outcome} What is already queued will still be sent; the rest is unchanged.`
  if (done < total) return `${outcome} The other changes no longer matched when their turn came.`
  return `${outcome} They are sent at each target's pace.`
}
