import { z } from 'zod'
import { changeIdForm, firstIdAt } from '#lib/base/id.ts'

/** More rows than a page has are not asked about. */
const maxRows = 50
const changeId = z.string().regex(changeIdForm)

export const changeIds = z.array(changeId).max(maxRows)

/** What an open list asks: what is newer than `newest`, and how the rows in view (by id, with commas) stand. */
export const liveQuery = z.object({
  newest: changeId,
  shown: z
    .string()
    .transform((ids) => (ids === '' ? [] : ids.split(',')))
    .pipe(changeIds),
})

/** Up to here new changes are counted. */
export const maxFresh = 100

export interface LiveAnswer {
  /** How many newer changes the filter lets through. */
  fresh: number
  /** By the change's id; the row is to be read again where it is another. */
  marks: Record<string, string>
}

/** Changes come a little after their ids say, by the way to the store and by the clocks of several instances. */
const lateMs = 10_000

/**
 * What has a greater id is new to somebody who was shown `first` at the top (null: nothing, or not the top). Never
 * long ago, also where the newest that matches is: then asking again costs next to nothing.
 */
export function newestKnown(first: string | null, isTop: boolean, now: number): string {
  if (!isTop) return firstIdAt('chg', now)
  const recent = firstIdAt('chg', now - lateMs)
  return first !== null && first > recent ? first : recent
}
