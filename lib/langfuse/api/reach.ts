import { networkReason } from '../../base/network-reason.ts'
import { urlUnder } from '../../base/url-path.ts'
import type { LangfuseProject } from '../../core/rules/projects.ts'
import { aheadMs, type Reach, troubled } from '../../core/setup/reach.ts'
import { readProject } from './project.ts'
import type { LangfuseApi } from './request.ts'

interface ReachRequest {
  /** Without keys, only whether Langfuse answers is checked. */
  project: Pick<LangfuseProject, 'id' | 'baseUrl' | 'keys' | 'called'>
  fetch: typeof globalThis.fetch
  now: () => number
  draw?: LangfuseApi['draw']
}

/** Whether Langfuse answers (`GET /api/public/health`) and accepts the keys (`GET /api/public/projects`). */
export async function reachLangfuse({ project, fetch, now, draw }: ReachRequest): Promise<Reach> {
  const { baseUrl, keys, called } = project
  const url = urlUnder(baseUrl, '/api/public/health')
  let ahead: number | null = null
  try {
    const response = await fetch(url, { redirect: 'manual' })
    await response.body?.cancel()
    ahead = aheadMs(response.headers.get('date'), now())
    if (!response.ok) return troubled(`Langfuse answered ${response.status}: check ${called.baseUrl}`, ahead)
  } catch (error) {
    return troubled(networkReason('Langfuse', error, new URL(url).host))
  }
  if (!keys) return { words: 'Langfuse was reached.', fix: null, aheadMs: ahead }
  const read = await readProject({ baseUrl, ...keys, fetch, ...(draw && { draw }) })
  if (read.ok && project.id !== null && project.id !== read.projectId) {
    const fix = `correct ${called.id}, or set the keys of that project`
    return troubled(`These keys belong to another project than ${called.id} names: ${fix}`, ahead)
  }
  if (read.ok)
    return { words: `Langfuse knows them for project ${read.projectId}.`, fix: null, aheadMs: ahead }
  if (read.isOverBudget) return { words: `Langfuse was reached. ${read.message}.`, fix: null, aheadMs: ahead }
  const fix = `check ${called.publicKey} and ${called.secretKey}. If both are right, ${called.baseUrl} may be the address of another Langfuse (of another region, for example)`
  return troubled(`${read.message}: ${fix}`, ahead)
}
