import type { Change } from './change.ts'

/** Langfuse's own addresses (`packages/shared/src/utils/productUrl.ts`): every segment encoded, the whole name as one. */
export function promptUrl(base: string, projectId: string, name: string, version: number | null): string {
  const query = version === null ? '' : `?version=${version}`
  return `${trimmed(base)}/project/${encodeURIComponent(projectId)}/prompts/${encodeURIComponent(name)}${query}`
}

/** A trace, opened at one of its observations. */
export function traceUrl(
  base: string,
  projectId: string,
  { traceId, observationId }: { traceId: string; observationId: string | null },
): string {
  const query = observationId === null ? '' : `?observation=${encodeURIComponent(observationId)}`
  return `${trimmed(base)}/project/${encodeURIComponent(projectId)}/traces/${encodeURIComponent(traceId)}${query}`
}

function sessionUrl(base: string, projectId: string, sessionId: string): string {
  return `${trimmed(base)}/project/${encodeURIComponent(projectId)}/sessions/${encodeURIComponent(sessionId)}`
}

/** What a callback asks to look at, the most telling first; none where Langfuse does not know it. */
export function callbackLinks(
  { projectId, detail }: Pick<Change, 'projectId' | 'detail'>,
  base: string,
): Change['detail']['links'] {
  const fact = detail.facts.find((one) => one.kind === 'trace-callback')
  if (!fact || fact.withheld !== undefined || projectId === null) return []
  const { traceId, observationId, sessionId } = fact
  const label = observationId === null ? 'Open the trace' : 'Open the observation'
  return [
    ...(traceId === null ? [] : [{ label, url: traceUrl(base, projectId, { traceId, observationId }) }]),
    ...(sessionId === null
      ? []
      : [{ label: 'Open the session', url: sessionUrl(base, projectId, sessionId) }]),
  ]
}

/** One for each row that a change tells of; null for what has no trace (a session's score). */
export function observedUrls(
  { projectId, detail }: Pick<Change, 'projectId' | 'detail'>,
  base: string,
): (string | null)[] {
  return (detail.observed ?? []).map(({ traceId, observationId }) =>
    projectId === null || traceId === null ? null : traceUrl(base, projectId, { traceId, observationId }),
  )
}

/** The page of one change on this relay; null when its own address is not known. */
export function changeUrl(publicUrl: string | undefined, changeId: string): string | null {
  return publicUrl === undefined ? null : `${trimmed(publicUrl)}/changes/${changeId}`
}

const trimmed = (base: string): string => base.replace(/\/+$/, '')
