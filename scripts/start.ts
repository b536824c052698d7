/**
 * `npm start`: Next's own server, told to end by the same signals. Started from here because `npm` would leave
 * Next's process behind, and because Next would not wait for deliveries under way.
 */
import { startNext } from './next.ts'

const { child, exited } = startNext(['start', ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
process.exitCode = await exited
