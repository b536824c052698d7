/**
 * For whom Langfuse is asked: a person on a page, a callback with the token, one without (a stranger's), or polling. They
 * share the `POLL_REQUESTS_PER_MINUTE` of the project of the keys. Requests for prompts do not count: Langfuse does not
 * limit them.
 */
export type BudgetUse = 'person' | 'callback' | 'stranger' | 'poll'

/** 0: one request may be sent, and is counted. Otherwise how long to wait, milliseconds. */
export type DrawRequest = (use: BudgetUse) => Promise<number>

/**
 * How many requests a use may draw in a minute: while all uses together drew fewer than `inAll`, and it drew fewer than `own`
 * itself. A person must not wait for a timer or a stranger, so a quarter is reserved; strangers get half at most.
 */
export function budgetLimits(use: BudgetUse, perMinute: number): { inAll: number; own: number } {
  const kept = perMinute < 2 ? 0 : Math.max(1, Math.floor(perMinute / 4))
  const inAll = use === 'person' || use === 'callback' ? perMinute : perMinute - kept
  return { inAll, own: use === 'stranger' ? Math.max(1, Math.floor(perMinute / 2)) : inAll }
}
