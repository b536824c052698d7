import type { Problem } from '#lib/base/problem.ts'
import { type Configuration, readConfiguration } from '#lib/core/rules/configuration.ts'
import type { BuildRoutes } from '#lib/core/rules/define-relay.ts'

/** Why the file cannot even be loaded. Of the code no word is repeated: it may hold a secret. */
function loadProblem(error: unknown): Problem {
  const { name, code, message, stack } = (error ?? {}) as Error & { code?: string }
  const [, line] = /relay\.config\.ts:(\d+)/.exec(stack ?? '') ?? []
  const where = line === undefined ? '' : ` in line ${line}`
  const what = code === 'ERR_MODULE_NOT_FOUND' ? message : `${name ?? 'Error'}${where}`
  const fix = 'Correct it there: npx tsc --noEmit shows where, and what was expected.'
  return { name: 'relay.config.ts', what: `cannot be loaded: ${what}`, fix }
}

const noFunction: Problem = {
  name: 'relay.config.ts',
  what: 'exports no function by default',
  fix: 'Write: export default defineRelay((env, variable) => ({ targets: …, rules: … }))',
}

/**
 * The variables and `relay.config.ts`, whatever that file holds. Throws nothing.
 * @param load imports the file
 */
export async function readWith(
  load: () => Promise<object>,
  source: Record<string, string | undefined>,
): Promise<Configuration> {
  const file = await load().catch(loadProblem)
  if ('default' in file && typeof file.default === 'function')
    return readConfiguration(file.default as BuildRoutes, source)
  const problem = 'what' in file ? (file as Problem) : noFunction
  const others = readConfiguration(() => ({ targets: {}, rules: [] }), source)
  return { ...others, problems: [problem, ...others.problems] }
}
