import { describe, expect, it } from 'vitest'
import type { Change, Fact } from '#lib/core/change/change.ts'
import { gatherEnd, isGathered, shownOf, spread, stormTitle, turns } from '#lib/core/delivery/storm.ts'
import type { Target, TargetType } from '#lib/core/rules/target-settings.ts'
import { messageOf } from '../../targets/messages.ts'

const reconciled = { from: 0, to: 1000 }
const promoted: Fact = { kind: 'promoted', label: 'production', from: 6, to: 7 }
const to = (type: TargetType) => ({ type }) as Target
const changeOf = (over: Partial<Change>, detail: Partial<Change['detail']> = { reconciled }) =>
  messageOf({ change: over, detail }).change

describe('which deliveries are gathered', () => {
  it.each<TargetType>(['slack', 'discord', 'github', 'pagerduty', 'webhook'])(
    'those to %s of a change that a comparison found',
    (type) => {
      expect(isGathered(changeOf({}), { fact: promoted, to: to(type) })).toBe(true)
      expect(isGathered(changeOf({}, {}), { fact: promoted, to: to(type) })).toBe(false)
    },
  )

  it('not those that open or end an incident at their target', () => {
    const fact: Fact = { kind: 'label-removed', label: 'production', from: 7 }
    const danger = changeOf({ danger: true })
    const end = changeOf({}, { reconciled, ends: { changeId: 'chg_0', title: 'Nothing carries production' } })
    for (const change of [danger, end]) {
      expect(isGathered(change, { fact, to: to('pagerduty') })).toBe(false)
      expect(isGathered(change, { fact, to: to('slack') })).toBe(true)
    }
  })
})

it.each([
  [0, 60_000],
  [59_999, 60_000],
  [60_000, 120_000],
])('what settles at %i is due at %i', (now, end) => {
  expect(gatherEnd(now, 60_000)).toBe(end)
  expect(gatherEnd(now, 0)).toBe(now)
})

it.each([
  [5, 2, [1000, 1000, 2000, 2000, 3000]],
  [3, 0.5, [2000, 4000, 6000]],
  [3, 1.5, [667, 1333, 2000]],
  [0, 10, []],
])('%i at %d a second are due at %j', (count, perSecond, times) => {
  expect(spread(count, perSecond, 0)).toEqual(times)
})

it('a storm names the dangerous changes first, and counts the others', () => {
  const messages = ['a', 'b', 'c'].map((id) => messageOf({ change: { id, danger: id === 'c' } }))
  const storm = { messages, list: null }
  const { shown, left } = shownOf(storm, 2)
  expect([shown.map(({ change }) => change.id), left]).toEqual([['c', 'a'], 1])
  expect(shownOf(storm, 3).left).toBe(0)
  expect(stormTitle(storm)).toBe('3 changes, found by comparing with Langfuse; no webhook came')
})

it.each([
  { last: null, count: 5, pace: 2, times: [3000, 3000, 4000, 4000, 5000] },
  { last: { at: 4000, count: 1 }, count: 3, pace: 2, times: [4000, 5000, 5000] },
  { last: { at: 4000, count: 2 }, count: 1, pace: 2, times: [5000] },
])(
  'turns are in whole seconds, behind $last, so that none holds more than the pace',
  ({ last, count, pace, times }) => {
    expect(turns(count, pace, { last, now: 2400 })).toEqual(times)
  },
)
