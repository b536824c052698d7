import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNext } from '../../scripts/next.ts'

/** The repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Builds live here, apart from `.next`, so that a bench and a `next build` do not disturb each other. */
const builds = join(root, 'tests/.output/bench')

/** What our own app is made of. */
const ours = [
  'app',
  'lib',
  'instrumentation.ts',
  'next.config.ts',
  'package.json',
  'postcss.config.mjs',
  'proxy.ts',
  'relay.config.ts',
  'tsconfig.json',
]

const baselines = {
  empty: new URL('./baseline/empty.ts', import.meta.url),
  verify: new URL('./baseline/verify.ts', import.meta.url),
  queue: new URL('./baseline/queue.ts', import.meta.url),
  direct: new URL('./baseline/direct.ts', import.meta.url),
}

const verified = new URL('./baseline/verified.ts', import.meta.url)

export type NextApp = 'relay' | keyof typeof baselines

/** Where a handler is found in every app: the same path, so that routing costs the same. */
export const endpointPath = '/api/webhooks/langfuse'

function newest(path: string): number {
  const own = statSync(path)
  if (!own.isDirectory()) return own.mtimeMs
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' })
  return Math.max(own.mtimeMs, ...names.map((name) => statSync(join(path, name)).mtimeMs))
}

/** The files of an app, as pairs of where they are and where they go. */
function filesOf(app: NextApp): [string, string][] {
  if (app === 'relay')
    return ours.filter((name) => existsSync(join(root, name))).map((name) => [join(root, name), name])
  return [
    [fileURLToPath(baselines[app]), `app${endpointPath}/route.ts`],
    [fileURLToPath(verified), `app${endpointPath}/verified.ts`],
  ]
}

/** Other versions of Next need another build as well. */
const lockfile = join(root, 'package-lock.json')

const config = `export default { poweredByHeader: false, agentRules: false, typescript: { ignoreBuildErrors: true } }\n`

const built = new Map<NextApp, Promise<string>>()

/**
 * The folder of the app's production build: made unless the one there is newer than its sources, and looked at once
 * in a run, so that all its rounds measure the same.
 */
export function buildApp(app: NextApp): Promise<string> {
  const known = built.get(app) ?? build(app)
  built.set(app, known)
  return known
}

async function build(app: NextApp): Promise<string> {
  const folder = join(builds, app)
  const files = filesOf(app)
  // Next's own BUILD_ID is there before the build is whole: one that was interrupted would pass for a build.
  const whole = join(folder, 'built')
  const changed = Math.max(newest(lockfile), ...files.map(([from]) => newest(from)))
  if (existsSync(whole) && statSync(whole).mtimeMs > changed) return folder
  rmSync(folder, { recursive: true, force: true })
  for (const [from, to] of files) {
    mkdirSync(dirname(join(folder, to)), { recursive: true })
    cpSync(from, join(folder, to), { recursive: true })
  }
  if (app !== 'relay') {
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    writeFileSync(join(folder, 'next.config.ts'), config)
    writeFileSync(join(folder, 'app/layout.tsx'), layout)
    writeFileSync(join(folder, 'instrumentation.ts'), instrumentation)
  }
  const env = { NODE_ENV: 'production' } as const
  const { exited } = startNext(['build'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], env })
  if ((await exited) !== 0) throw new Error(`next build of ${app} failed`)
  writeFileSync(whole, '')
  return folder
}

const layout = `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>
}
`

/** Without one of their own, Next's bundler takes that of a folder above: ours, and the relay would run in all of them. */
const instrumentation = 'export function register() {}\n'
