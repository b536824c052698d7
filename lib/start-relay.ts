import { log, thrown } from './log.ts'
import { relay } from './relay.ts'
import { limitServers } from './server-limits.ts'
import { flushSpans } from './tracing.ts'

/** Starts the loop where the process lives on. A function on Vercel has `after()` and the cron route instead. */
export function startRelay(): void {
  const { relay: running, problems } = relay()
  for (const problem of problems) log('error', 'configuration', { problem })
  if (process.env.VERCEL) return
  limitServers()
  running?.start().catch((error) => log('error', 'the loop could not start', thrown(error)))
  // `npm start` sets NEXT_MANUAL_SIG_HANDLE: Next would end the process without waiting for sends.
  if (!process.env.NEXT_MANUAL_SIG_HANDLE) return
  let ending = false
  const end = async () => {
    // A terminal sends its interrupt to every process of the group, and the start script passes it on as well.
    if (ending) return
    ending = true
    await running?.stop().catch((error) => log('error', 'the loop did not stop in order', thrown(error)))
    await flushSpans()
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}
