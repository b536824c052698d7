import { z } from 'zod'
import { maxName } from '../../core/change/indexable.ts'
import { problemOf, storable } from '../body.ts'
import { strangeForm, time } from './page.ts'
import { getFromLangfuse, type LangfuseAnswer, type LangfuseApi, type LangfuseFailure } from './request.ts'

/** A prompt as a listing shows it. A filter leaves out versions that do not match, and what only they have. */
export interface ListedPrompt {
  name: string
  /** `text`, `chat`, or one that is not known yet. */
  type: string
  /** At least one, ascending. */
  versions: number[]
  /** Those of all its versions, without saying which has which. */
  labels: string[]
  tags: string[]
  /** The newest `updatedAt` of its versions, epoch milliseconds. */
  lastUpdatedAt: number
}

export interface ListRequest {
  /** From 1. */
  page: number
  /** 1, 10 or 100, Langfuse's maximum. */
  limit: 1 | 10 | 100
  label?: string
  /** The whole name. */
  name?: string
  version?: number
  /** Inclusive, epoch milliseconds. */
  fromUpdatedAt?: number
}

/**
 * `totalPages` comes from another query than the rows, so it may be one too many or too few. `at`: Langfuse's own time,
 * after the rows were read.
 */
export type ListedPage =
  | { ok: true; rows: ListedPrompt[]; page: number; totalPages: number; at: number | null }
  | LangfuseFailure

const row = z.object({
  name: z.string().min(1),
  type: z.string().catch('text'),
  versions: z.array(z.int32().min(1)).min(1),
  labels: z.array(z.string()),
  tags: z.array(z.string()),
  lastUpdatedAt: time.transform((iso) => Date.parse(iso)),
})
const listing = z.object({
  data: z.array(row),
  meta: z.object({ page: z.int(), totalPages: z.int().nonnegative() }),
})

/** An answer in an unknown form, naming the field. */
export const strange = (problem: string): LangfuseFailure => ({
  ok: false,
  status: 200,
  retryAfterMs: null,
  message: `${strangeForm}: ${problem.slice(0, 300)}`,
})

/**
 * One page of prompts, sorted by name (`GET /api/public/v2/prompts`). One row of an unknown form fails the page: without it,
 * a prompt would seem to be deleted. Names that are too long to be known to the relay are left out. Rows contain the config
 * of a version each, so a page may be too large; then it is read in parts.
 */
export async function listPrompts(api: LangfuseApi, request: ListRequest): Promise<ListedPage> {
  const { fromUpdatedAt, ...query } = request
  const answer = await getFromLangfuse(api, '/api/public/v2/prompts', {
    ...query,
    fromUpdatedAt: fromUpdatedAt === undefined ? undefined : new Date(fromUpdatedAt).toISOString(),
  })
  if (!answer.ok && answer.isTooLarge && request.limit > 1) return listInParts(api, request)
  return pageOf(answer, request)
}

function pageOf(answer: LangfuseAnswer, { page }: ListRequest): ListedPage {
  if (!answer.ok) return answer
  const read = listing.safeParse(answer.json)
  if (!read.success) return strange(read.error.issues.slice(0, 1).map(problemOf).join())
  const { data, meta } = read.data
  if (meta.page !== page) return strange(`\`meta.page\`: expected ${page}, received ${meta.page}`)
  // A search index that is behind, say: without its rows, all its prompts would seem to be deleted.
  if (data.length === 0 && page < meta.totalPages)
    return strange(`\`data\`: expected rows on page ${page} of ${meta.totalPages}`)
  const rows = data
    .filter(({ name }) => name.length <= maxName)
    .map((one) => ({ ...storable(one), versions: one.versions.toSorted((a, b) => a - b) }))
  return { ok: true, rows, page, totalPages: meta.totalPages, at: answer.at }
}

/** The same rows by ten pages of a tenth. */
async function listInParts(api: LangfuseApi, request: ListRequest): Promise<ListedPage> {
  const { page, limit } = request
  const rows: ListedPrompt[] = []
  let at: number | null = null
  for (let part = 1; part <= 10; part++) {
    const read = await listPrompts(api, {
      ...request,
      page: (page - 1) * 10 + part,
      limit: limit === 100 ? 10 : 1,
    })
    if (!read.ok) return read
    rows.push(...read.rows)
    at ??= read.at
    if (part === 10 || read.page >= read.totalPages)
      return { ok: true, rows, page, totalPages: Math.ceil(read.totalPages / 10), at }
  }
  throw new Error('The last part ends the loop')
}
