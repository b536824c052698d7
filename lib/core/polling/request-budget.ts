/** Langfuse counts requests by these. `legacy`: endpoints for traces from before v4. */
export type RateBucket = 'prompts' | 'public-api' | 'legacy'

/**
 * Of each bucket; null: Langfuse does not limit it. Of `legacy`, its smallest plan allows half as many as of `public-api`,
 * and others a third or less.
 */
export const perMinuteOf = (bucket: RateBucket, perMinute: number): number | null => {
  if (bucket === 'prompts') return null
  return bucket === 'legacy' ? Math.max(1, Math.floor(perMinute / 2)) : perMinute
}

/**
 * For whom Langfuse is asked: a person on a page, a callback with the token, one without (a stranger's), or polling. They
 * share the `POLL_REQUESTS_PER_MINUTE` of the project of the keys.
 */
export type BudgetUse = 'person' | 'callback' | 'stranger' | 'poll'

/** 0: one request may be sent, and is counted. Otherwise how long to wait, milliseconds. */
export type DrawRequest = (use: BudgetUse, bucket?: RateBucket) => Promise<number>

/**
 * How many requests a use may draw in a minute: while all uses together drew fewer than `inAll`, and it drew fewer than `own`
 * itself. A person must not wait for a timer or a stranger, so a quarter is reserved; strangers get half at most.
 */
export function budgetLimits(use: BudgetUse, perMinute: number): { inAll: number; own: number } {
  const kept = perMinute < 2 ? 0 : Math.max(1, Math.floor(perMinute / 4))
  const inAll = use === 'person' || use === 'callback' ? perMinute : perMinute - kept
  return { inAll, own: use === 'stranger' ? Math.max(1, Math.floor(perMinute / 2)) : inAll }
}
