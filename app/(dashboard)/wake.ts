import { after } from 'next/server'
import { relay } from '#lib/relay.ts'

/** What a function on Vercel may use for the first tries; the rest is the cron's. */
const workMs = 45_000

/** Something was made due: have it worked on now. */
export function wake(now: number): void {
  const { relay: running } = relay()
  if (!running) return
  if (process.env.VERCEL) after(() => running.drain(now + workMs))
  else running.wake()
}
