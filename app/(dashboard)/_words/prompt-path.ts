import { z } from 'zod'
import { changeIdForm } from '#lib/base/id.ts'
import { pathOf } from '#lib/base/url-path.ts'
import { pathWith } from '../../_ui/list-query.ts'

const version = z.coerce.number().int().min(1).max(2_147_483_647).optional().catch(undefined)
const changeId = z.string().regex(changeIdForm).optional().catch(undefined)

/** What a prompt's page shows, as it stands in the address. Anything else is left out, as if it were not there. */
export const promptQuery = z.object({
  /** Only for names that a path cannot hold. */
  name: z.string().min(1).optional().catch(undefined),
  project: z.string().min(1).optional().catch(undefined),
  from: version,
  to: version,
  view: z.literal('split').optional().catch(undefined),
  /** Shows the versions below this one. */
  below: version,
  before: changeId,
  after: changeId,
})

export type PromptQuery = z.infer<typeof promptQuery>

/** Next takes a path that ends so for its own request for a page's data, and answers with that. */
const isTaken = (name: string): boolean => name.endsWith('.rsc')

/**
 * The address of a prompt's page. Slashes part the path, everything else is encoded; a name that a path cannot
 * hold stands in the query.
 */
export function promptPath(name: string, query: PromptQuery = {}): string {
  const texts = Object.entries(query).map(([key, value]) => [key, value?.toString()])
  const rest = { ...Object.fromEntries(texts), name: undefined }
  const path = pathOf('prompts', ...name.split('/'))
  return path === null || isTaken(name)
    ? pathWith('/prompts/by-name', { ...rest, name })
    : pathWith(path, rest)
}

/** The name that an address means; `segments` as Next gives them, still encoded. Null where they are not well encoded. */
export function promptName(segments: string[], { name }: Pick<PromptQuery, 'name'>): string | null {
  if (name !== undefined) return name
  try {
    return segments.map(decodeURIComponent).join('/')
  } catch {
    return null
  }
}
