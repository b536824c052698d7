import { z } from 'zod'
import type { FlatBody, PageRequest, PolledPage } from '../../core/polling/rows.ts'
import type { LangfuseAnswer } from './request.ts'

/** A field that Langfuse leaves out or writes differently one day must not fail the row. */
export const text = z.string().nullish().catch(null)
export const amount = z.coerce.number().nonnegative().nullish().catch(null)
export const time = z.iso.datetime({ offset: true })

export const strangeForm = 'Langfuse answered in an unknown form'

/** The page's number, which is the cursor of the endpoints before v4. */
export const pageNumber = ({ cursor }: PageRequest): number => Number(cursor ?? 1)

/**
 * Reads the rows of one answer, newest first, and where the next page is: by a cursor, or by its number if `old`. A row of
 * an unknown form is left out.
 */
export function pageReader<Row extends z.ZodType>(
  row: Row,
  bodyOf: (row: z.output<Row>, projectId: string) => FlatBody,
): (answer: LangfuseAnswer, page: PageRequest, projectId: string) => PolledPage {
  const rows = z.array(z.unknown()).transform((list) =>
    list.flatMap((one): z.output<Row>[] => {
      const read = row.safeParse(one)
      return read.success ? [read.data] : []
    }),
  )
  const byCursor = z.object({ data: rows, meta: z.object({ cursor: z.string().nullish() }) })
  const byPage = z.object({ data: rows, meta: z.object({ totalPages: z.int() }) })
  return (answer, page, projectId) => {
    if (!answer.ok) return answer
    const read = (page.old ? byPage : byCursor).safeParse(answer.json)
    if (!read.success) return { ok: false, status: 200, retryAfterMs: null, message: strangeForm }
    const { data, meta } = read.data
    const next = 'totalPages' in meta ? nextPage(pageNumber(page), meta.totalPages) : (meta.cursor ?? null)
    return { ok: true, bodies: data.map((one) => bodyOf(one, projectId)), next, at: answer.at }
  }
}

const nextPage = (page: number, totalPages: number): string | null =>
  page < totalPages ? String(page + 1) : null
