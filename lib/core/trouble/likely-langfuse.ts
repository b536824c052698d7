/** Refused requests of the same bytes. */
export interface SameBytes {
  projectId: string | null
  /** When each came, epoch milliseconds. */
  at: readonly number[]
}

/**
 * When those came that are likely Langfuse's, of requests whose signature no known secret made. Anyone can post with a
 * wrong signature; Langfuse names a project that it signed for before, and tries the same bytes again.
 */
export const likelyLangfuse = (refused: readonly SameBytes[], projectIds: readonly string[]): number[] =>
  refused
    .filter(({ projectId, at }) => projectId !== null && projectIds.includes(projectId) && at.length > 1)
    .flatMap(({ at }) => at)
