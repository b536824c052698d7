import { kinds } from '#lib/core/change/kinds.ts'
import type { ListFilter } from '#lib/core/list/filter.ts'
import { listFilterParams } from '#lib/core/list/filter.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { pathWith } from '../../_ui/list-query.ts'
import { utc } from '../../_ui/quantity-words.ts'

/** The filter as query parameters: each name once, several values separated by commas. */
export function filterQuery(filter: ListFilter): Record<string, string> {
  const params = listFilterParams(filter)
  return Object.fromEntries([...new Set(params.keys())].map((key) => [key, params.getAll(key).join(',')]))
}

/** One active filter. `href`: the list without it. */
export interface FilterChip {
  name: string
  words: string
  href: string
}

const timeWords = {
  '1h': 'last hour',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
  '30d': 'last 30 days',
} as const

const minutes = (at: number): string => utc(at).replace(/:\d\d UTC$/, ' UTC')

function rangeWords(time: NonNullable<ListFilter['time']>): string {
  if (typeof time === 'string') return timeWords[time]
  const { from, to } = time
  if (from === null) return to === null ? '' : `until ${minutes(to)}`
  return to === null ? `since ${minutes(from)}` : `${minutes(from)} – ${minutes(to)}`
}

/** `directory`: absent, a project is shown by its id. */
export function filterChips(filter: ListFilter, directory?: Pick<ProjectDirectory, 'nameOf'>): FilterChip[] {
  const chip = (name: string, words: string, without: Partial<ListFilter>): FilterChip => ({
    name,
    words,
    href: pathWith('/', filterQuery({ ...filter, ...without })),
  })
  const { status, kind, http, time, test, danger, q } = filter
  const texts = (['prompt', 'label', 'target', 'project'] as const).flatMap((key) => {
    const value = filter[key]
    const words = (key === 'project' ? directory?.nameOf(value) : null) ?? value
    return words === null ? [] : [chip(key, words, { [key]: null })]
  })
  return [
    ...(q === null ? [] : [chip('search', q, { q: null })]),
    ...status.map((one) => chip('status', one, { status: status.filter((other) => other !== one) })),
    ...kind.map((one) => chip('kind', kinds[one].name, { kind: kind.filter((other) => other !== one) })),
    ...texts,
    ...http.map((one) =>
      chip('HTTP', one === 'none' ? 'no answer' : one, { http: http.filter((other) => other !== one) }),
    ),
    ...(time === null ? [] : [chip('time', rangeWords(time), { time: null })]),
    ...(test === 'hidden' ? [] : [chip('tests', test === 'only' ? 'only' : 'shown', { test: 'hidden' })]),
    ...(danger ? [chip('only', 'dangerous', { danger: false })] : []),
  ]
}
