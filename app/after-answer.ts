import { after } from 'next/server'
import type { Relay } from '#lib/relay.ts'

/** `maxDuration` of the routes, less the time for the last send to end within the function's life. */
export const workMs = 60_000 - 15_000

/** A long-running server has its own loop; a function has only the time after its answer. */
export function workAfter({ status }: Response, { drain }: Relay, startedAt: number): void {
  if (process.env.VERCEL && status === 202) after(() => drain(startedAt + workMs))
}
