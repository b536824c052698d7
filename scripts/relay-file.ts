import type { Problem } from '#lib/base/problem.ts'
import { type Configuration, readConfiguration } from '#lib/core/rules/configuration.ts'
import type { BuildRoutes } from '#lib/core/rules/define-relay.ts'

/** Why the file cannot be loaded. Quotes none of its code, which may contain a secret. */
function loadProblem(error: unknown): Problem {
  const { name, code, message, stack } = (error ?? {}) as Error & { code?: string }
  const [, line] = /relay\.config\.ts:(\d+)/.exec(stack ?? '') ?? []
  const where = line === undefined ? '' : ` in line ${line}`
  const what = code === 'ERR_MODULE_NOT_FOUND' ? message : `${name ?? 'Error'}${where}`
  const fix = 'Correct the file: npx tsc --noEmit shows where and why.'
  return { name: 'relay.config.ts', what: `cannot be loaded: ${what}`, fix }
}

const noDefaultFunction: Problem = {
  name: 'relay.config.ts',
  what: 'has no function as its default export',
  fix: 'Write: export default defineRelay((env, variable) => ({ targets: …, rules: … }))',
}

/**
 * Reads the variables and `relay.config.ts`, whatever that file contains. Never throws.
 * @param load imports the file
 */
export async function readWith(
  load: () => Promise<object>,
  source: Record<string, string | undefined>,
): Promise<Configuration> {
  const file = await load().catch(loadProblem)
  if ('default' in file && typeof file.default === 'function')
    return readConfiguration(file.default as BuildRoutes, source)
  const problem = 'what' in file ? (file as Problem) : noDefaultFunction
  const others = readConfiguration(() => ({ targets: {}, rules: [] }), source)
  return { ...others, problems: [problem, ...others.problems] }
}
