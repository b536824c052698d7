import { pathOf, urlUnder } from '../../base/url-path.ts'
import type { Change } from './change.ts'

/**
 * Langfuse's own addresses (`packages/shared/src/utils/productUrl.ts`): every segment encoded, the whole name as one
 * segment. Null where a URL cannot hold the name or id, or where the address of Langfuse (`base`) is not known.
 */
export function promptUrl(
  base: string | null,
  projectId: string,
  name: string,
  version: number | null,
): string | null {
  return under(
    base,
    pathOf('project', projectId, 'prompts', name),
    version === null ? '' : `?version=${version}`,
  )
}

/** A trace, or one of its observations. */
export function traceUrl(
  base: string | null,
  projectId: string,
  { traceId, observationId }: { traceId: string; observationId: string | null },
): string | null {
  const query =
    observationId === null ? '' : `?observation=${encodeURIComponent(observationId.toWellFormed())}`
  return under(base, pathOf('project', projectId, 'traces', traceId), query)
}

const sessionUrl = (base: string | null, projectId: string, sessionId: string): string | null =>
  under(base, pathOf('project', projectId, 'sessions', sessionId), '')

/** What a callback asks for a look at, the most specific first; none where Langfuse does not know it. */
export function callbackLinks(
  { projectId, detail }: Pick<Change, 'projectId' | 'detail'>,
  base: string | null,
): Change['detail']['links'] {
  const fact = detail.facts.find((one) => one.kind === 'trace-callback')
  if (!fact || fact.withheld !== undefined || projectId === null) return []
  const { traceId, observationId, sessionId } = fact
  const trace = traceId === null ? null : traceUrl(base, projectId, { traceId, observationId })
  const session = sessionId === null ? null : sessionUrl(base, projectId, sessionId)
  return [
    { label: observationId === null ? 'Open the trace' : 'Open the observation', url: trace },
    { label: 'Open the session', url: session },
  ].flatMap(({ label, url }) => (url === null ? [] : [{ label, url }]))
}

/** One for each observed row of a change; null: it has no trace (a session's score), or a URL cannot hold its id. */
export function observedUrls(
  { projectId, detail }: Pick<Change, 'projectId' | 'detail'>,
  base: string | null,
): (string | null)[] {
  return (detail.observed ?? []).map(({ traceId, observationId }) =>
    projectId === null || traceId === null ? null : traceUrl(base, projectId, { traceId, observationId }),
  )
}

/** The page of one change on this relay; null: the relay's address is not known. */
export function changeUrl(publicUrl: string | undefined, changeId: string): string | null {
  return publicUrl === undefined ? null : urlUnder(publicUrl, `/changes/${changeId}`)
}

/** Slack's limit; many servers read no longer URL. */
const maxUrl = 3000

function under(base: string | null, path: string | null, query: string): string | null {
  const url = base === null || path === null ? null : urlUnder(base, `${path}${query}`)
  return url === null || url.length > maxUrl ? null : url
}

/** The list of deliveries to a target that were given up; null: the relay's address is not known. */
export function failuresUrl(publicUrl: string | undefined, target: string): string | null {
  if (publicUrl === undefined) return null
  const query = new URLSearchParams({ status: 'failed', target, test: 'shown' })
  return urlUnder(publicUrl, `/?${query}`)
}

/** The list of the changes that were found by comparing with Langfuse; null: the relay's address is not known. */
export function reconciledUrl(publicUrl: string | undefined): string | null {
  return publicUrl === undefined ? null : urlUnder(publicUrl, `/?q=${reconciledWord}`)
}

/** Finds them in a search. */
export const reconciledWord = 'reconciled'

/** Where a project's webhooks are set up in Langfuse; null: a URL cannot hold its id. */
export const automationsUrl = (base: string, projectId: string): string | null =>
  under(base, pathOf('project', projectId, 'automations'), '')
