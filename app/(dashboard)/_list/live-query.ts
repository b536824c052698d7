import { z } from 'zod'
import { changeIdForm, firstIdAt } from '#lib/base/id.ts'

/** The rows of one page. */
const maxRows = 50
const changeId = z.string().regex(changeIdForm)

export const changeIds = z.array(changeId).max(maxRows)

/** The request of an open list. `shown`: the ids of its rows, separated by commas. */
export const liveQuery = z.object({
  newest: changeId,
  shown: z
    .string()
    .transform((ids) => (ids === '' ? [] : ids.split(',')))
    .pipe(changeIds),
})

/** New changes are counted up to this number. */
export const maxFresh = 100

export interface LiveAnswer {
  /** How many changes newer than `newest` match the filter. */
  fresh: number
  /** By change id: a row whose mark differs has to be read again. */
  marks: Record<string, string>
}

/** A change is stored a little later than its id says: writing takes time, and the clocks of instances differ. */
const lateMs = 10_000

/**
 * Changes with a greater id are new to a reader whose list begins with `first` (null: it is empty). The id is always a
 * recent one, even if the newest match is old: then polling costs next to nothing.
 */
export function newestKnown(first: string | null, isTop: boolean, now: number): string {
  if (!isTop) return firstIdAt('chg', now)
  const recent = firstIdAt('chg', now - lateMs)
  return first !== null && first > recent ? first : recent
}
