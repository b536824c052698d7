import { describe, expect, it } from 'vitest'
import { emptyFilter, parseListFilter } from '#lib/core/list/filter.ts'
import { filterChips, filterQuery } from '../../../../../app/(dashboard)/_list/filter-chips.ts'

const all = {
  ...emptyFilter,
  status: ['failed', 'retrying'],
  kind: ['version-created'],
  prompt: 'support/refund, new',
  label: 'production',
  target: 'slack',
  http: ['none'],
  test: 'shown',
  time: '24h',
  project: 'p1',
  danger: true,
  q: 'a "b" & c',
} satisfies typeof emptyFilter

describe('the filter in the address', () => {
  it('has each name once and gives the same filter', () => {
    const query = new URLSearchParams(filterQuery(all))
    expect(query.get('status')).toBe('failed,retrying')
    expect(parseListFilter(query)).toEqual({
      filter: { ...all, status: ['retrying', 'failed'] },
      ignored: [],
    })
  })

  it('is empty without filters', () => {
    expect(filterQuery(emptyFilter)).toEqual({})
    expect(filterChips(emptyFilter)).toEqual([])
  })
})

describe('a chip', () => {
  it('has the name of a project, and its id in the address', () => {
    const nameOf = (id: string | null) => (id === 'p1' ? 'support' : null)
    const chips = filterChips({ ...emptyFilter, project: 'p1', label: 'x' }, { nameOf })
    expect(chips.map(({ name, words, href }) => [name, words, href])).toEqual([
      ['label', 'x', '/?project=p1'],
      ['project', 'support', '/?label=x'],
    ])
  })

  it('is there for every active filter', () => {
    expect(filterChips(all).map(({ name, words }) => `${name}: ${words}`)).toEqual([
      'search: a "b" & c',
      'status: failed',
      'status: retrying',
      'kind: New version',
      'prompt: support/refund, new',
      'label: production',
      'target: slack',
      'project: p1',
      'HTTP: no answer',
      'time: last 24 hours',
      'tests: shown',
      'only: dangerous',
    ])
  })

  it('links to the list without that filter', () => {
    const size = filterChips(all).length
    for (const chip of filterChips(all)) {
      const { filter } = parseListFilter(new URL(chip.href, 'http://relay').searchParams)
      const left = filterChips(filter).map(({ name, words }) => `${name}: ${words}`)
      expect(left).toHaveLength(size - 1)
      expect(left).not.toContain(`${chip.name}: ${chip.words}`)
    }
  })

  it.each([
    [{ from: Date.UTC(2026, 7, 21), to: null }, 'since 2026-08-21 00:00 UTC'],
    [{ from: null, to: Date.UTC(2026, 7, 21, 9, 30) }, 'until 2026-08-21 09:30 UTC'],
    [
      { from: Date.UTC(2026, 7, 20), to: Date.UTC(2026, 7, 21) },
      '2026-08-20 00:00 UTC – 2026-08-21 00:00 UTC',
    ],
  ])('says a custom time: %o', (time, words) => {
    expect(filterChips({ ...emptyFilter, time })[0]?.words).toBe(words)
  })
})
