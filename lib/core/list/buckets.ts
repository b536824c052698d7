import { type ListFilter, timeRange } from './filter.ts'

/** A stretch of a chart, epoch milliseconds; `to` is not in it. */
export interface Bucket {
  from: number
  to: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const steps = [minute, 5 * minute, 15 * minute, hour, 3 * hour, 6 * hour, day, 7 * day, 30 * day]

/** So many whole ones fit beside each other: a month is shown by days. */
const max = 31

/**
 * The time of a list, cut at whole hours (days, …) of UTC; the last 24 hours where the list has none. The first and
 * the last may be shorter than the rest. A range without a beginning shows its last 30 days; at most 32 stretches.
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
