import type { Db } from './db/client.ts'
import { requestBudget } from './db/request-budget.ts'
import type { Env } from './env.ts'
import { pollName } from './poll-state.ts'
import type { DrawRequest } from './request-budget.ts'
import { plainFetch } from './running.ts'
import type { LangfuseApi } from './sources/langfuse-request.ts'

/** Langfuse's API of the project that the keys belong to, and the budget of requests to it. */
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
