import { z } from 'zod'
import { changeIdForm } from '#lib/base/id.ts'
import { pathOf } from '#lib/base/url-path.ts'
import { pathWith } from '../../_ui/list-query.ts'

const version = z.coerce.number().int().min(1).max(2_147_483_647).optional().catch(undefined)
const changeId = z.string().regex(changeIdForm).optional().catch(undefined)

/** What a prompt's page shows, from its address. Anything else is ignored. */
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

/** Next takes a path with this ending for its own request for page data. */
const isTaken = (name: string): boolean => name.endsWith('.rsc')

/**
 * The address of a prompt's page. Slashes in the name stay, everything else is encoded; a name that a path cannot hold
 * goes into the query.
 */
export function promptPath(name: string, query: PromptQuery = {}): string {
  const texts = Object.entries(query).map(([key, value]) => [key, value?.toString()])
  const rest = { ...Object.fromEntries(texts), name: undefined }
  const path = pathOf('prompts', ...name.split('/'))
  return path === null || isTaken(name)
    ? pathWith('/prompts/by-name', { ...rest, name })
    : pathWith(path, rest)
}

/** The name in an address. `segments`: as Next passes them, still encoded. Null if they are badly encoded. */
export function promptName(segments: string[], { name }: Pick<PromptQuery, 'name'>): string | null {
  if (name !== undefined) return name
  try {
    return segments.map(decodeURIComponent).join('/')
  } catch {
    return null
  }
}
