import type { Env } from '../base/env.ts'
import { plainFetch } from '../base/process-state.ts'
import type { DrawRequest } from '../core/polling/request-budget.ts'
import { pollName } from '../core/polling/state.ts'
import type { LangfuseApi } from '../langfuse/api/request.ts'
import type { Db } from '../store/client.ts'
import { requestBudget } from '../store/tables/request-budget.ts'

/** Langfuse's API for the project of the keys, and the request budget for it. */
export interface LangfuseAccess {
  api: LangfuseApi
  draw: DrawRequest
}

/** Null without API keys. */
export function langfuseAccess(db: Db, env: Env): LangfuseAccess | null {
  const { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey } = env
  if (publicKey === undefined || secretKey === undefined) return null
  const api = { baseUrl, publicKey, secretKey, fetch: plainFetch }
  const budget = { name: pollName(api), perMinute: env.POLL_REQUESTS_PER_MINUTE }
  return { api, draw: requestBudget(db, budget, Date.now) }
}
