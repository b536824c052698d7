import { z } from 'zod'
import { askLangfuse, type LangfuseApi } from './langfuse-request.ts'

const page = z.object({ data: z.array(z.object({ lastUpdatedAt: z.iso.datetime({ offset: true }) })) })

/**
 * When a prompt was last changed within this span, as far as the first page tells; `null`: none was, or nobody knows
 * (`GET /api/public/v2/prompts`). Epoch milliseconds.
 */
export async function promptChangedAt(
  api: LangfuseApi,
  { from, to }: { from: number; to: number },
): Promise<number | null> {
  const answer = await askLangfuse(api, '/api/public/v2/prompts', {
    fromUpdatedAt: new Date(from).toISOString(),
    toUpdatedAt: new Date(to).toISOString(),
    limit: 100,
  })
  if (!answer.ok) return null
  const times = page.safeParse(answer.json).data?.data.map((row) => Date.parse(row.lastUpdatedAt)) ?? []
  const within = times.filter((at) => at >= from && at <= to)
  return within.length === 0 ? null : Math.max(...within)
}
