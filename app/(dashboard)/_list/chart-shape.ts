import { maxCounted } from '#lib/store/statement.ts'
import type { BucketCount } from '#lib/store/views/over-time.ts'
import { countWords, utc } from '../../_ui/quantity-words.ts'

/** One bar, in the chart's own units: each is 10 wide, the chart `height` high. */
export interface Bar {
  x: number
  y: number
  height: number
  failedY: number
  failedHeight: number
  title: string
}

const hour = 3_600_000
/** Any count above 0 is visible. */
const minHeight = 2

const bounded = (count: number, one: string): string =>
  countWords(count, one, { isMore: count >= maxCounted })

/** `2026-08-21 09:00`; the date alone if bars are days. */
const moment = (at: number, step: number): string => utc(at).slice(0, step >= 24 * hour ? 10 : 16)

export function barsOf(counts: BucketCount[], step: number, height: number): Bar[] {
  const highest = Math.max(1, ...counts.map(({ changes, failures }) => Math.max(changes, failures)))
  const scaled = (count: number) =>
    count === 0 ? 0 : Math.max(minHeight, Math.round((count / highest) * height * 10) / 10)
  return counts.map(({ from, changes, failures }, i) => {
    const [high, failed] = [scaled(changes), scaled(failures)]
    return {
      x: i * 10,
      y: height - high,
      height: high,
      failedY: height - failed,
      failedHeight: failed,
      title: `${moment(from, step)} UTC: ${bounded(changes, 'change')}, ${bounded(failures, 'failure')}`,
    }
  })
}

const stepWords: [number, string][] = [
  [hour, 'minutes'],
  [24 * hour, 'hours'],
  [7 * 24 * hour, 'days'],
]

/** What the chart shows, for those who cannot see it. */
export function chartWords(counts: BucketCount[], step: number): string {
  const [first] = counts
  const last = counts.at(-1)
  if (!first || !last) return 'No time to show.'
  const busiest = counts.reduce((max, one) => (one.changes > max.changes ? one : max))
  const by = stepWords.find(([below]) => step < below)?.[1] ?? 'weeks'
  const range = `${moment(first.from, 0)} to ${moment(last.to, 0)} UTC`
  const peak = `Most from ${moment(busiest.from, step)}: ${busiest.changes.toLocaleString('en')}.`
  const words = `Changes and failures by ${by}, ${range}: ${totals(counts)}.`
  return busiest.changes > 0 ? `${words} ${peak}` : words
}

/** `1,204 changes, 3 failures`; `20,000+` if counting stopped for a bar. */
export function totals(counts: BucketCount[]): string {
  const summed = (key: 'changes' | 'failures', one: string) => {
    const sum = counts.reduce((total, bucket) => total + bucket[key], 0)
    const isMore = counts.some((bucket) => bucket[key] >= maxCounted)
    return countWords(sum, one, { isMore })
  }
  return `${summed('changes', 'change')}, ${summed('failures', 'failure')}`
}
