import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import type { Bench } from '../bench.ts'
import { buildApp, endpointPath, root } from '../build.ts'
import { megabytes } from '../measures.ts'
import { getPage, signIn } from '../pages.ts'
import { record } from '../results.ts'
import { start } from '../subjects.ts'

/** Every script that a browser of today loads for the page, gzipped one by one. */
async function clientScriptKilobytes(): Promise<number> {
  const running = await start('sqlite')
  try {
    const { html } = await getPage(`${running.origin}/`, await signIn(running.origin))
    // Polyfills for browsers without modules (40 KB) are not loaded by others.
    const page = html.replaceAll(/<script[^>]*noModule[^>]*>/gi, '')
    // Streamed parts of the page name further scripts inside strings, where quotes are escaped.
    const paths = new Set(page.match(/(?:\/_next\/)?static\/chunks\/[^"'\\?]+\.js/g)?.map(absolute))
    let bytes = 0
    for (const path of paths) {
      const script = await fetch(`${running.origin}${path}`)
      if (!script.ok) throw new Error(`${path} answered ${script.status}`)
      bytes += gzipSync(await script.arrayBuffer()).byteLength
    }
    if (bytes === 0) throw new Error('The list page names no script')
    return bytes / 1000
  } finally {
    await running.stop()
  }
}

const absolute = (path: string): string => (path.startsWith('/') ? path : `/_next/${path}`)

/** What `npm install` leaves on this system; what has two names (`node` has) counts once. */
function installedBytes(): number {
  const names = readdirSync(join(root, 'node_modules'), { recursive: true, encoding: 'utf8' })
  const sizes = new Map<number, number>()
  for (const name of names) {
    const found = lstatSync(join(root, 'node_modules', name), { throwIfNoEntry: false })
    if (found?.isFile()) sizes.set(found.ino, found.size)
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}

const trace = z.object({ files: z.array(z.string()) })

/** What Next's own traces name for the route and for the server around it: near what a function on Vercel holds. */
async function functionBytes(): Promise<number> {
  const built = join(await buildApp('relay'), '.next')
  const traces = ['next-server.js.nft.json', `server/app${endpointPath}/route.js.nft.json`]
  const paths = traces.flatMap((name) => {
    const { files } = trace.parse(JSON.parse(readFileSync(join(built, name), 'utf8')))
    return files.map((file) => join(built, name, '..', file))
  })
  return [...new Set(paths)].reduce((sum, path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return sum + (found?.isFile() ? found.size : 0)
  }, 0)
}

export async function sizes({ results }: Bench): Promise<void> {
  record(results, 'clientScript', 'list page', await clientScriptKilobytes())
  record(results, 'install', 'node_modules', megabytes(installedBytes()))
  record(results, 'function', 'webhook route', megabytes(await functionBytes()))
}
