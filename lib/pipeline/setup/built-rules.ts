import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'

/** Ignores line endings, which differ in a checkout on Windows. `next.config.ts` computes the same at build time. */
const hashOf = (text: string): string =>
  createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')

const read = (path: string): Promise<string | null> =>
  readFile(/* turbopackIgnore: true */ path, 'utf8').catch(() => null)

const builtIn = z.object({ config: z.object({ env: z.object({ RELAY_CONFIG_HASH: z.string() }) }) })

/** The hash of the build in this folder, for processes outside the build, such as the doctor. */
async function hashOfBuild(): Promise<string | null> {
  const files = await read('.next/required-server-files.json')
  if (files === null) return null
  return builtIn.safeParse(jsonOf(files)).data?.config.env.RELAY_CONFIG_HASH ?? null
}

/**
 * Whether the rules in the build differ from `relay.config.ts` in this folder; null: there is no such file, or no build. A
 * development server reads the file itself.
 */
export async function builtRulesDiffer(): Promise<boolean | null> {
  if (process.env.NODE_ENV === 'development') return null
  // Set by the build.
  const built = process.env.RELAY_CONFIG_HASH ?? (await hashOfBuild())
  const file = await read('relay.config.ts')
  return file === null || built === null ? null : hashOf(file) !== built
}

/** As a problem, for the log, the doctor and the setup page. */
export const builtRulesWarning = {
  name: 'relay.config.ts',
  what: 'has changed since the running rules were built',
  fix: 'Build again (npm run build, or the image), then restart.',
}
