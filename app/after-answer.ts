import { after } from 'next/server'
import { relay } from '#lib/relay.ts'

/** How long a function on Vercel works: `maxDuration` of the routes, less the time for the last send to end. */
export const workMs = 60_000 - 15_000

/** A long-running server has its own loop; a function has only the time after its answer. */
export function workAfter({ status }: Response, startedAt: number): void {
  if (process.env.VERCEL && status === 202) after(() => relay().relay?.drain(startedAt + workMs))
}

/** Starts work on what was just made due. */
export function wake(now: number): void {
  const { relay: running } = relay()
  if (!running) return
  if (process.env.VERCEL) after(() => running.drain(now + workMs))
  else running.wake()
}

/** A page shows when prompts were last compared with Langfuse. */
const pageEveryMs = 60_000
let pageAt = 0

/** After a page on Vercel, where nothing runs by itself: compares prompts, if that is due. */
export function lookAfterPage(now: number): void {
  if (!process.env.VERCEL || now - pageAt < pageEveryMs) return
  pageAt = now
  after(() => relay().relay?.drainIfLookDue(now + workMs))
}
