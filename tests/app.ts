import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startNext, untilReady } from '../scripts/next.ts'
import { secret } from './fixtures.ts'

/** A running production build with its own store. */
export interface App {
  url: string
  /** Stops it as a supervisor would; resolves with its exit code. */
  stop: () => Promise<number>
  /** Kills it, as a power cut would. */
  kill: () => Promise<void>
  /** Its output so far. */
  output: () => string
}

/** A folder for a store that outlives the app. */
export function dataFolder(): { url: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-app-'))
  return {
    url: `file:${join(folder, 'relay.db')}`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export async function startApp(env: Record<string, string>): Promise<App> {
  if (!existsSync('.next/BUILD_ID')) throw new Error('There is no build: run `npm run build` first')
  const port = await freePort()
  const url = `http://localhost:${port}`
  const { child, exited } = startNext(['start', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      NODE_ENV: 'production',
      LANGFUSE_WEBHOOK_SECRET: secret,
      PUBLIC_URL: url,
      ...env,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return exited
  }
  await untilReady(url, child).catch(async (error) => {
    await end('SIGKILL')
    throw new Error(`${error.message}\n${output}`)
  })
  return {
    url,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL')
    },
    output: () => output,
  }
}
