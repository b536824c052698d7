import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sparticuz from '@sparticuz/chromium'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = [
  'app',
  'lib',
  'instrumentation.ts',
  'next.config.ts',
  'package.json',
  'proxy.ts',
  'relay.config.ts',
  'scripts',
]

function newest(path: string): number {
  const own = statSync(path)
  if (!own.isDirectory()) return own.mtimeMs
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return Math.max(own.mtimeMs, ...names.map((name) => statSync(`${path}/${name}`).mtimeMs))
}

/** Builds the app once for all browser tests; reuses a build that is newer than its sources. */
export default async function build(): Promise<void> {
  // Unpacked first: two workers doing it at once could start an incomplete browser.
  await sparticuz.executablePath()
  // Written last. `next start` and the container's server share this build.
  const server = `${root}/.next/standalone/doctor.js`
  const changed = Math.max(...sources.map((name) => newest(`${root}/${name}`)))
  if (existsSync(server) && statSync(server).mtimeMs > changed) return
  const child = spawn(process.execPath, ['scripts/build.ts'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_OUTPUT: 'standalone' },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('`npm run build` failed')
}
