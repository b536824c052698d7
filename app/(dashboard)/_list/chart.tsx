import { bucketsOf } from '#lib/core/list/buckets.ts'
import type { ListFilter } from '#lib/core/list/filter.ts'
import type { Db } from '#lib/store/client.ts'
import { countOverTime } from '#lib/store/views/over-time.ts'
import { utc } from '../../_ui/quantity-words.ts'
import { barsOf, chartWords, totals } from './chart-shape.ts'

const height = 36
const titles = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' }

/** Changes and failures over the time range of the list; the last 24 hours if it has none. */
export async function Chart({ db, time, now }: { db: Db; time: ListFilter['time']; now: number }) {
  const { step, buckets } = bucketsOf(time, now)
  const counts = await countOverTime(db, buckets)
  const [first] = counts
  if (!first) return null
  const title =
    typeof time === 'string' ? titles[time] : time ? `Since ${utc(first.from).slice(0, 16)}` : titles['24h']
  return (
    <figure className="px-4 py-3">
      <figcaption className="flex justify-between gap-4 text-xs text-faint">
        <span>{title}</span>
        <span>{totals(counts)}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={chartWords(counts, step)}
        viewBox={`0 0 ${counts.length * 10} ${height}`}
        preserveAspectRatio="none"
        className="mt-1.5 block h-9 w-full"
      >
        <path
          d={`M0 ${height}H${counts.length * 10}`}
          className="stroke-edge"
          vectorEffect="non-scaling-stroke"
        />
        {barsOf(counts, step, height).map((bar) => (
          <g key={bar.x} className="chart-bar">
            <title>{bar.title}</title>
            <rect x={bar.x} width="10" height={height} fill="transparent" />
            <rect x={bar.x + 1.5} y={bar.y} width="7" height={bar.height} className="fill-accent/55" />
            <rect x={bar.x + 1.5} y={bar.failedY} width="7" height={bar.failedHeight} className="fill-bad" />
          </g>
        ))}
      </svg>
    </figure>
  )
}
