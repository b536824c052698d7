import { describe, expect, it } from 'vitest'
import {
  emptyFilter,
  isNarrowed,
  type ListFilter,
  listFilterParams,
  parseListFilter,
  timeRange,
} from '#lib/core/list/filter.ts'

const parse = (query: string) => parseListFilter(new URLSearchParams(query))
const filter = (over: Partial<ListFilter>): ListFilter => ({ ...emptyFilter, ...over })

describe('a filter in the address', () => {
  it.each<[string, Partial<ListFilter>]>([
    ['', {}],
    ['status=failed&status=held', { status: ['held', 'failed'] }],
    ['status=failed,retrying', { status: ['retrying', 'failed'] }],
    ['kind=promoted&kind=promoted', { kind: ['promoted'] }],
    ['prompt=support/refund-reply', { prompt: 'support/refund-reply' }],
    ['label=production&target=slack&project=p1', { label: 'production', target: 'slack', project: 'p1' }],
    ['http=5xx&http=none', { http: ['5xx', 'none'] }],
    ['test=shown', { test: 'shown' }],
    ['danger=1', { danger: true }],
    ['time=24h', { time: '24h' }],
    ['from=2026-08-21', { time: { from: Date.UTC(2026, 7, 21), to: null } }],
    ['time=custom&to=2026-08-21T09:30', { time: { from: null, to: Date.UTC(2026, 7, 21, 9, 30) } }],
    ['from=2026-08-21T09:30:00%2B02:00', { time: { from: Date.UTC(2026, 7, 21, 7, 30), to: null } }],
    ['q=%20refund%20reply%20', { q: 'refund reply' }],
    // The empty fields that a form sends without JavaScript.
    ['q=&prompt=&status=&time=&from=&to=&test=&danger=', {}],
  ])('%s is read', (query, over) => {
    expect(parse(query)).toEqual({ filter: filter(over), ignored: [] })
  })

  it.each([
    ['status=gone', '"gone" is ignored: status must be one of settling, queued, '],
    ['kind=promoted,demoted', '"demoted" is ignored: kind must be one of deleted, '],
    ['http=6xx', '"6xx" is ignored: http must be one of 2xx, '],
    ['test=maybe', '"maybe" is ignored: test must be hidden, shown or only.'],
    ['time=2y', '"2y" is ignored: time must be one of 1h, 24h, 7d, 30d, custom.'],
    ['from=yesterday', '"yesterday" is ignored: from must be a time such as 2026-08-21T09:30, in UTC.'],
    ['to=2026-13-41', '"2026-13-41" is ignored: to must be a time such as '],
    ['danger=perhaps', '"perhaps" is ignored: danger must be 1 or absent.'],
    [`q=${'x'.repeat(501)}`, `"${'x'.repeat(100)}" is ignored: q must be at most 500 characters long.`],
  ])('%s is ignored with a note', (query, sentence) => {
    const { ignored, filter: read } = parse(query)
    expect(ignored).toEqual([expect.stringContaining(sentence)])
    expect({ ...read, kind: [] }).toEqual(emptyFilter)
  })

  it('takes the last of several values where only one can apply', () => {
    expect(parse('prompt=a&prompt=b').filter.prompt).toBe('b')
  })

  it('is read from the object that a page gets, without inherited keys', () => {
    expect(parseListFilter({ status: ['failed', 'queued'], q: 'x', other: undefined }).filter).toEqual(
      filter({ status: ['queued', 'failed'], q: 'x' }),
    )
    expect(parseListFilter(Object.create({ q: 'x' })).filter).toEqual(emptyFilter)
  })

  it.each<Partial<ListFilter>>([
    {},
    { status: ['settling', 'held'], kind: ['promoted', 'deleted'].toReversed() as ListFilter['kind'] },
    { prompt: 'a b&c', label: 'x,y', target: 'slack', project: 'p', q: 'ü "q"' },
    { http: ['2xx', 'none'], test: 'only', danger: true, time: '7d' },
    { time: { from: Date.UTC(2026, 0, 2, 3, 4, 5), to: null } },
    { time: { from: 1, to: Date.UTC(2026, 0, 2) } },
  ])('survives being written to a URL and read: %j', (over) => {
    const params = listFilterParams(filter(over))
    expect(parse(params.toString())).toEqual({ filter: filter(over), ignored: [] })
    expect(isNarrowed(filter(over))).toBe(Object.keys(over).length > 0)
  })
})

describe('the time of a filter', () => {
  it.each<[ListFilter['time'], { from: number | null; to: number | null }]>([
    [null, { from: null, to: null }],
    ['1h', { from: 9_996_400_000, to: null }],
    ['30d', { from: 7_408_000_000, to: null }],
    [
      { from: 5, to: null },
      { from: 5, to: null },
    ],
  ])('%j has its bounds', (time, range) => {
    expect(timeRange(time, 10_000_000_000)).toEqual(range)
  })
})
