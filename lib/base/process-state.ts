import type { BodyBudget } from './body-budget.ts'

/** Shared within a process: Next loads a module once for `instrumentation.ts`, and again for routes and for pages. */
export const processState = globalThis as typeof globalThis & {
  /** Answers webhooks without Next's router, once Next has loaded their route. */
  promptRelayWebhookHandler?: (request: Request) => Promise<Response>
  promptRelayBodies?: BodyBudget
  promptRelayFetch?: typeof globalThis.fetch
  /** Server errors of the webhook endpoint that are not stored yet; times in epoch milliseconds. */
  promptRelayOutage?: { from: number; to: number; status: number } | null
}

/**
 * `fetch` before Next wraps it for its cache, which costs a tenth of a delivery: `instrumentation.ts` loads this file
 * before Next loads a route.
 */
processState.promptRelayFetch ??= globalThis.fetch
export const plainFetch = processState.promptRelayFetch
