import { z } from 'zod'
import { getFromLangfuse, type LangfuseApi, type LangfuseFailure } from './request.ts'

const projects = z.object({ data: z.array(z.object({ id: z.string().min(1).max(600) })).min(1) })

export type ProjectRead = { ok: true; projectId: string; at: number | null } | LangfuseFailure

/** The project of the keys (`GET /api/public/projects`): each pair of keys belongs to exactly one. */
export async function readProject(api: LangfuseApi): Promise<ProjectRead> {
  const answer = await getFromLangfuse(api, '/api/public/projects')
  if (!answer.ok) return answer
  const [project] = projects.safeParse(answer.json).data?.data ?? []
  if (project) return { ok: true, projectId: project.id, at: answer.at }
  return { ok: false, status: 200, retryAfterMs: null, message: 'Langfuse names no project for these keys' }
}
