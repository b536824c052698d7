/**
 * `npm start`: Next's own server, with signals to stop passed on. Started from here because `npm` would leave
 * Next's process behind, and because Next would not wait for deliveries in progress.
 */
import { startNext } from './next.ts'

const { child, exited } = startNext(['start', ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
process.exitCode = await exited
