/** Writes a line to each stream when asked to, and answers how many writes were tried since it started. */
import { installJsonConsole } from '#lib/base/json-console.ts'

const writes = { stdout: 0, stderr: 0 }
for (const name of ['stdout', 'stderr'] as const) {
  const write = process[name].write.bind(process[name])
  process[name].write = (text: string | Uint8Array, ...more: unknown[]) => {
    writes[name]++
    return (write as (...given: unknown[]) => boolean)(text, ...more)
  }
}
installJsonConsole(console, process, () => new Date())
// As Next does.
process.on('uncaughtException', (error) => console.error('uncaughtException: ', error))
process.on('message', (line) => {
  console.log(line)
  console.error(line)
  // After the events that this write causes.
  setImmediate(() => process.send?.(writes))
})
process.send?.(writes)
