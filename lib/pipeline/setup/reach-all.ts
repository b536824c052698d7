import type { Env } from '../../base/env.ts'
import type { SendContext } from '../../core/delivery/delivery.ts'
import type { Routes } from '../../core/rules/rules.ts'
import type { Target } from '../../core/rules/target-settings.ts'
import { type Reach, type Reached, troubled } from '../../core/setup/reach.ts'
import { reachLangfuse } from '../../langfuse/api/reach.ts'
import type { LangfuseApi } from '../../langfuse/api/request.ts'
import { reachTarget } from '../../targets/target.ts'

interface World {
  fetch: typeof globalThis.fetch
  /** Epoch milliseconds. */
  now: () => number
  /** Time limit for everything, milliseconds. */
  timeoutMs: number
  /** Draws a request to Langfuse from its budget; absent: none is counted. */
  draw?: LangfuseApi['draw']
}

/** A bug in one check must not hide the others' results. */
const reachOf = (target: Target, context: SendContext): Promise<Reach> =>
  reachTarget(target, context).catch(() => troubled('It could not be checked: please report this bug'))

/** Checks in parallel whether Langfuse and each configured target can be reached. Posts nothing. */
export async function reachAll(
  { env, routes }: { env: Env; routes: Routes },
  { fetch, now, timeoutMs, draw }: World,
): Promise<Reached> {
  const signal = AbortSignal.timeout(timeoutMs)
  const limited: typeof globalThis.fetch = (input, init) =>
    fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
  const { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey } = env
  const keys = publicKey !== undefined && secretKey !== undefined ? { publicKey, secretKey } : null
  const langfuse = reachLangfuse({ baseUrl, keys, fetch: limited, now, ...(draw && { draw }) })
  const targets = Object.entries(routes.targets).map(
    async ([name, target]) => [name, await reachOf(target, { fetch, now, signal })] as const,
  )
  return { langfuse: await langfuse, targets: Object.fromEntries(await Promise.all(targets)) }
}
