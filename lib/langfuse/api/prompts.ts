import { z } from 'zod'
import { askLangfuse, type LangfuseApi } from './request.ts'

const page = z.object({ data: z.array(z.object({ lastUpdatedAt: z.iso.datetime({ offset: true }) })) })

/**
 * When a prompt was last changed within this span, as far as the first page tells; `null`: none was
 * (`GET /api/public/v2/prompts`). Epoch milliseconds. Not `ok`: Langfuse gave no answer that can be read.
 */
export async function promptChangedAt(
  api: LangfuseApi,
  { from, to }: { from: number; to: number },
): Promise<{ ok: true; changedAt: number | null } | { ok: false }> {
  const answer = await askLangfuse(api, '/api/public/v2/prompts', {
    fromUpdatedAt: new Date(from).toISOString(),
    toUpdatedAt: new Date(to).toISOString(),
    limit: 100,
  })
  const told = answer.ok ? page.safeParse(answer.json).data : undefined
  if (!told) return { ok: false }
  const times = told.data.map((row) => Date.parse(row.lastUpdatedAt))
  const within = times.filter((at) => at >= from && at <= to)
  return { ok: true, changedAt: within.length === 0 ? null : Math.max(...within) }
}
