/** Langfuse's own addresses (`packages/shared/src/utils/productUrl.ts`): every segment encoded, the whole name as one. */
export function promptUrl(base: string, projectId: string, name: string, version: number | null): string {
  const query = version === null ? '' : `?version=${version}`
  return `${trimmed(base)}/project/${encodeURIComponent(projectId)}/prompts/${encodeURIComponent(name)}${query}`
}

/** The page of one change on this relay; null when its own address is not known. */
export function changeUrl(publicUrl: string | undefined, changeId: string): string | null {
  return publicUrl === undefined ? null : `${trimmed(publicUrl)}/changes/${changeId}`
}

const trimmed = (base: string): string => base.replace(/\/+$/, '')
