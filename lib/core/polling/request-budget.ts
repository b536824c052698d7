/**
 * Who wants to ask Langfuse: a person at a page, a callback that showed the token, one of a stranger, or polling. They
 * share `POLL_REQUESTS_PER_MINUTE` of the project that the keys belong to. Prompts do not count: Langfuse does not limit them.
 */
export type BudgetUse = 'person' | 'callback' | 'stranger' | 'poll'

/** 0: one request may go, and is counted. Else how long to wait, milliseconds. */
export type DrawRequest = (use: BudgetUse) => Promise<number>

/**
 * What a use may draw in a minute. `inAll`: it may go while fewer requests than this were drawn by all of them; `own`: while
 * it drew fewer itself. What a person waits for goes before what a timer or a stranger wants, so a quarter is kept for
 * it; strangers have half at most.
 */
export function budgetLimits(use: BudgetUse, perMinute: number): { inAll: number; own: number } {
  const kept = perMinute < 2 ? 0 : Math.max(1, Math.floor(perMinute / 4))
  const inAll = use === 'person' || use === 'callback' ? perMinute : perMinute - kept
  return { inAll, own: use === 'stranger' ? Math.max(1, Math.floor(perMinute / 2)) : inAll }
}
