import { type ListFilter, timeRange } from './filter.ts'

/** One bar of a chart, epoch milliseconds; `to` is excluded. */
export interface Bucket {
  from: number
  to: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const steps = [minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, day, 7 * day, 30 * day]

/** Whole bars side by side: enough for a month of days. */
const max = 31

/**
 * A list's time range cut at whole hours (days, …) of UTC, so the first and last bar may be shorter; at most 32 bars. Without
 * a range: the last 24 hours. A range without a start: its last 30 days.
 */
export function bucketsOf(time: ListFilter['time'], now: number): { step: number; buckets: Bucket[] } {
  const range = timeRange(time ?? '24h', now)
  const end = Math.min(range.to ?? now, now) + 1
  const start = range.from ?? end - 30 * day
  const step = steps.find((one) => Math.floor((end - start) / one) < max) ?? steps.at(-1) ?? day
  const buckets: Bucket[] = []
  for (let to = end; to > start && buckets.length <= max; ) {
    const from = Math.max(start, Math.floor((to - 1) / step) * step)
    buckets.unshift({ from, to })
    to = from
  }
  return { step, buckets }
}
