/** One number. `suffix`: for the parts of a histogram. */
export interface Sample {
  labels: Readonly<Record<string, string>>
  value: number
  suffix?: '_bucket' | '_sum' | '_count'
}

export interface Family {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  samples: Sample[]
}

/** Counted by this process since its start. */
const counters = {
  prompt_relay_events_total: 'Events that an endpoint of this process accepted; duplicate: stored before.',
  prompt_relay_events_not_stored_total:
    'Events that an endpoint of this process answered with 503, because the store did not accept them.',
  prompt_relay_rejections_total: 'Requests that an endpoint of this process refused.',
  prompt_relay_settled_total: 'Changes that this process settled.',
  prompt_relay_settle_failures_total: 'How often a change failed to settle in this process.',
  prompt_relay_attempts_total: 'Tries of deliveries that this process made.',
} as const

const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const slow = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 28_800, 86_400, 259_200]

const histograms = {
  prompt_relay_request_duration_seconds: {
    help: 'From the request to the answer, at the endpoints of this process.',
    buckets: quick,
  },
  prompt_relay_attempt_duration_seconds: {
    help: 'How long a try of a delivery took, in this process.',
    buckets: quick,
  },
  prompt_relay_delivery_delay_seconds: {
    help: 'From a settled change to its delivery, of what this process delivered.',
    buckets: slow,
  },
} as const

export type CounterName = keyof typeof counters
export type HistogramName = keyof typeof histograms
type Labels = Readonly<Record<string, string>>

interface Distribution {
  labels: Labels
  /** One for each bucket, and one above the last. */
  counts: number[]
  sum: number
}

interface Measured {
  counters: Map<CounterName, Map<string, Sample>>
  histograms: Map<HistogramName, Map<string, Distribution>>
}

/** One for each process: Next loads this module once for routes and once for `instrumentation.ts`. */
const shared = globalThis as typeof globalThis & { promptRelayMetrics?: Measured }
const measured = (): Measured => {
  shared.promptRelayMetrics ??= { counters: new Map(), histograms: new Map() }
  return shared.promptRelayMetrics
}

function seriesOf<Name, Series>(all: Map<Name, Map<string, Series>>, name: Name): Map<string, Series> {
  const known = all.get(name) ?? new Map<string, Series>()
  all.set(name, known)
  return known
}

const keyOf = (labels: Labels): string => Object.values(labels).join('\n')

/** Labels have few values: names of endpoints, reasons, kinds and targets, never anything from a request. */
export function count(name: CounterName, labels: Labels, by = 1): void {
  const series = seriesOf(measured().counters, name)
  const key = keyOf(labels)
  const sample = series.get(key)
  if (sample) sample.value += by
  else series.set(key, { labels, value: by })
}

export function observe(name: HistogramName, labels: Labels, ms: number): void {
  const series = seriesOf(measured().histograms, name)
  const key = keyOf(labels)
  const { buckets } = histograms[name]
  const known = series.get(key) ?? { labels, counts: [...buckets.map(() => 0), 0], sum: 0 }
  series.set(key, known)
  const seconds = Math.max(0, ms) / 1000
  const place = buckets.findIndex((bound) => seconds <= bound)
  const at = place === -1 ? buckets.length : place
  known.counts[at] = (known.counts[at] ?? 0) + 1
  known.sum += seconds
}

function samplesOf({ labels, counts, sum }: Distribution, buckets: readonly number[]): Sample[] {
  let total = 0
  const cumulative = counts.map((one, i): Sample => {
    total += one
    return {
      suffix: '_bucket',
      labels: { ...labels, le: i === buckets.length ? '+Inf' : String(buckets[i]) },
      value: total,
    }
  })
  return [...cumulative, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }]
}

/** All that this process has measured. */
export function processFamilies(): Family[] {
  const { counters: counted, histograms: timed } = measured()
  return [
    ...Object.entries(counters).map(([name, help]): Family => {
      const samples = [...(counted.get(name as CounterName)?.values() ?? [])]
      return { name, help, type: 'counter', samples }
    }),
    ...Object.entries(histograms).map(([name, { help, buckets }]): Family => {
      const series = [...(timed.get(name as HistogramName)?.values() ?? [])]
      return { name, help, type: 'histogram', samples: series.flatMap((one) => samplesOf(one, buckets)) }
    }),
  ]
}

const escapes = new Map([
  ['\\', '\\\\'],
  ['"', '\\"'],
  ['\n', '\\n'],
])
const escaped = (value: string): string => value.replace(/[\\"\n]/g, (one) => escapes.get(one) ?? one)

function labelsText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/**
 * Prometheus's text format. Written by hand: it is short, and prom-client's last release dates from June 2024.
 * https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md
 */
export function metricsText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(({ suffix, labels, value }) => `${name}${suffix ?? ''}${labelsText(labels)} ${value}`),
        '',
      ].join('\n'),
    )
    .join('')
}
