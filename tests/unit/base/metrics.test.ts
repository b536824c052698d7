import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { count, metricsText, observe, processFamilies } from '#lib/base/metrics.ts'

const shared = globalThis as { promptRelayMetrics?: unknown }
const linesFrom = (start: string): string[] =>
  metricsText(processFamilies())
    .split('\n')
    .filter((line) => line.startsWith(start))

beforeEach(() => {
  delete shared.promptRelayMetrics
})
afterEach(() => {
  delete shared.promptRelayMetrics
})

describe("Prometheus's text", () => {
  it('leaves out what was never counted', () => {
    expect(metricsText(processFamilies())).toBe('')
  })

  it('counts by labels, with a help and a type for each name', () => {
    count('prompt_relay_events_total', { endpoint: 'a', status: 'accepted' })
    count('prompt_relay_events_total', { endpoint: 'a', status: 'accepted' }, 3)
    count('prompt_relay_events_total', { endpoint: 'a', status: 'duplicate' })
    expect(linesFrom('# TYPE')).toEqual(['# TYPE prompt_relay_events_total counter'])
    expect(linesFrom('prompt_relay')).toEqual([
      'prompt_relay_events_total{endpoint="a",status="accepted"} 4',
      'prompt_relay_events_total{endpoint="a",status="duplicate"} 1',
    ])
  })

  it('sums times up in cumulative buckets, in seconds', () => {
    for (const ms of [5, 6, 240, 99_999])
      observe('prompt_relay_attempt_duration_seconds', { target: 'slack' }, ms)
    const name = 'prompt_relay_attempt_duration_seconds'
    expect(linesFrom(`${name}_bucket`).map((line) => line.split('le=')[1])).toEqual([
      '"0.005"} 1',
      '"0.01"} 2',
      '"0.025"} 2',
      '"0.05"} 2',
      '"0.1"} 2',
      '"0.25"} 3',
      '"0.5"} 3',
      '"1"} 3',
      '"2.5"} 3',
      '"5"} 3',
      '"10"} 3',
      '"+Inf"} 4',
    ])
    expect(linesFrom(`${name}_count`)).toEqual([`${name}_count{target="slack"} 4`])
    expect(linesFrom(`${name}_sum`)).toEqual([`${name}_sum{target="slack"} 100.25`])
  })

  it('escapes the values of labels, so that each stays on one line', () => {
    const text = metricsText([
      { name: 'x', help: 'X.', type: 'gauge', samples: [{ labels: { target: 'a"b\\c\nd' }, value: 1 }] },
    ])
    expect(text).toBe('# HELP x X.\n# TYPE x gauge\nx{target="a\\"b\\\\c\\nd"} 1\n')
  })
})
