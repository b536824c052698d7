import type { SendContext } from '../../core/delivery/delivery.ts'
import type { LangfuseProject } from '../../core/rules/projects.ts'
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
  /** Draws a request to a project from its budget; absent: none is counted. */
  drawFor?: (project: LangfuseProject) => LangfuseApi['draw']
}

/** A bug in one check must not hide the others' results. */
const reachOf = (target: Target, context: SendContext): Promise<Reach> =>
  reachTarget(target, context).catch(() => troubled('It could not be checked: please report this bug'))

/** Checks in parallel whether Langfuse, with the keys of each project, and each configured target can be reached. Posts nothing. */
export async function reachAll(
  { projects, routes }: { projects: readonly LangfuseProject[]; routes: Routes },
  { fetch, now, timeoutMs, drawFor }: World,
): Promise<Reached> {
  const signal = AbortSignal.timeout(timeoutMs)
  const limited: typeof globalThis.fetch = (input, init) =>
    fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, signal]) : signal })
  const langfuse = projects.map(async (project) => {
    const draw = drawFor?.(project)
    const reach = await reachLangfuse({ project, fetch: limited, now, ...(draw && { draw }) })
    return [project.name, reach] as const
  })
  const targets = Object.entries(routes.targets).map(
    async ([name, target]) => [name, await reachOf(target, { fetch, now, signal })] as const,
  )
  return {
    langfuse: Object.fromEntries(await Promise.all(langfuse)),
    targets: Object.fromEntries(await Promise.all(targets)),
  }
}
