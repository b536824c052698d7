import { z } from 'zod'

/** Anything else in the address is ignored. */
const id = z
  .string()
  .regex(/^(chg|evt|rej)_[0-9a-z]{1,60}$/)
  .optional()
  .catch(undefined)
const text = z.string().min(1).max(1000).optional().catch(undefined)

/** The state of a list in the address: its position and filters. */
export const listQuery = z.object({ before: id, after: id, prompt: text, change: id })

export type SearchParams = Promise<Record<string, string | string[] | undefined>>

export function pathWith(path: string, query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}
