import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../node_modules/next/dist/bin/next', import.meta.url))
const jsonLog = new URL('json-log.ts', import.meta.url).href
const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs Next's command line with the Node that runs this script, not the system's. `start` logs only JSON. */
export function startNext(
  args: string[],
  options: SpawnOptions = {},
): { child: ChildProcess; exited: Promise<number> } {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_MANUAL_SIG_HANDLE: 'true',
    ...options.env,
  }
  const log = args[0] === 'start' ? ['--import', jsonLog] : []
  const child = spawn(process.execPath, [...log, bin, ...args], { cwd: root, ...options, env })
  const exited = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : 1))
  return { child, exited }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No free port on 127.0.0.1')
  return address.port
}

/** Waits until the app answers; throws if it exits first, or takes longer than `timeoutMs`. */
export async function untilReady(url: string, child: ChildProcess, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (child.exitCode !== null)
      throw new Error(`The app exited with code ${child.exitCode} before it was ready`)
    const answered = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(5000) }).catch(() => null)
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`The app did not answer at ${url} within ${timeoutMs / 1000} s`)
}
