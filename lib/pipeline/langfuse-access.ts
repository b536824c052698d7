import { plainFetch } from '../base/process-state.ts'
import type { DrawRequest } from '../core/polling/request-budget.ts'
import { pollName } from '../core/polling/state.ts'
import type { LangfuseProject } from '../core/rules/projects.ts'
import type { LangfuseApi } from '../langfuse/api/request.ts'
import type { Db } from '../store/client.ts'
import { requestBudget } from '../store/tables/request-budget.ts'

/** Langfuse's API for one project, and the request budget for it. */
export interface LangfuseAccess {
  project: LangfuseProject
  api: LangfuseApi
  draw: DrawRequest
}

/** One for each project that has keys. */
export function langfuseAccesses(
  db: Db,
  { projects, perMinute }: { projects: readonly LangfuseProject[]; perMinute: number },
): LangfuseAccess[] {
  return projects.flatMap((project) => {
    const { baseUrl, keys } = project
    if (keys === null) return []
    const api = { baseUrl, ...keys, fetch: plainFetch }
    return [{ project, api, draw: requestBudget(db, { name: pollName(api), perMinute }, Date.now) }]
  })
}
