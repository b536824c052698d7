import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'

/** The text that counts: a checkout on Windows has other line ends. `next.config.ts` does the same at the build. */
const hashOf = (text: string): string =>
  createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')

const read = (path: string): Promise<string | null> =>
  readFile(/* turbopackIgnore: true */ path, 'utf8').catch(() => null)

const builtIn = z.object({ config: z.object({ env: z.object({ RELAY_CONFIG_HASH: z.string() }) }) })

/** Of the build that lies here: for a process that is not of it, the doctor's. */
async function hashOfBuild(): Promise<string | null> {
  const files = await read('.next/required-server-files.json')
  if (files === null) return null
  return builtIn.safeParse(jsonOf(files)).data?.config.env.RELAY_CONFIG_HASH ?? null
}

/**
 * Whether the rules that were built in are others than those of `relay.config.ts` in this folder; null: there is no such
 * file, or no build. A development server takes the file as it is.
 */
export async function builtRulesDiffer(): Promise<boolean | null> {
  if (process.env.NODE_ENV === 'development') return null
  // Put in by the build.
  const built = process.env.RELAY_CONFIG_HASH ?? (await hashOfBuild())
  const file = await read('relay.config.ts')
  return file === null || built === null ? null : hashOf(file) !== built
}

/** In the words of a problem, for logs, the doctor and the setup page. */
export const builtRulesWarning = {
  name: 'relay.config.ts',
  what: 'is not what the running rules were built from',
  fix: 'Build again (npm run build, or the image), and restart.',
}
