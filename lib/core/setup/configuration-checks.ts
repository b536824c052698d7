import { posix } from 'node:path'
import { nearest, type Problem } from '../../base/problem.ts'
import type { LangfuseProject } from '../rules/projects.ts'
import { many } from '../rules/row-clauses.ts'
import type { Rule } from '../rules/rules.ts'
import { type Check, type Finding, notYet, ok, problem, warning } from './finding.ts'

/** Names in the store; null: too many to compare with. */
export interface KnownNames {
  prompts: string[] | null
  projects: string[] | null
}

/**
 * Projects and globs of rules that match nothing received so far; none while nothing has been received. Not projects that
 * are configured, nor misspellings of their names, of which the configuration itself warns.
 */
export function unmatched(
  rules: readonly Rule[],
  { prompts, projects }: KnownNames,
  configured: readonly Pick<LangfuseProject, 'name' | 'id'>[],
): Problem[] {
  const names = configured.map(({ name }) => name)
  const isConfigured = (one: string) =>
    configured.some(({ id }) => id === one) || nearest(one, names) !== null
  const found = (
    name: string,
    what: string,
    known: string[] | null,
    value: string,
    holds: boolean,
  ): Problem[] => {
    if (known === null || known.length === 0 || holds) return []
    const near = nearest(value, known)
    const fix = near === null ? 'Fine if it is still to come.' : `Did you mean ${near}?`
    return [
      {
        name: `The rule "${name}"`,
        what: `names the ${what} ${value}, which matches nothing received so far`,
        fix,
      },
    ]
  }
  return rules.flatMap(({ name, prompt, project }) => [
    ...many(prompt ?? []).flatMap((glob) =>
      found(name, 'prompt', prompts, glob, prompts?.some((one) => posix.matchesGlob(one, glob)) ?? true),
    ),
    ...many(project ?? []).flatMap((id) =>
      found(name, 'project', projects, id, isConfigured(id) || (projects?.includes(id) ?? true)),
    ),
  ])
}

export interface ConfigurationSeen {
  problems: Problem[]
  warnings: Problem[]
}

/** The names in problems that are one of these, or a part of one (`targets.slack.url` of `targets.slack`, `a[0]` of `a`). */
const namesOf = (problems: readonly Problem[], names: readonly string[]): string[] =>
  problems
    .flatMap(({ name }) => name.split(', '))
    .filter((name) =>
      names.some((one) => name === one || name.startsWith(`${one}.`) || name.startsWith(`${one}[`)),
    )

/**
 * `found`, or where one of these settings has a problem, a note of that: a setting with a problem has no value, so
 * `found` would call it unset. The problem itself is listed once, under Configuration.
 */
export function unlessWrong(
  problems: readonly Problem[],
  names: readonly string[],
  found: () => Finding,
): Finding {
  const wrong = [...new Set(namesOf(problems, names))]
  if (wrong.length === 0) return found()
  const which = new Intl.ListFormat('en').format(wrong)
  return notYet(
    `There is a problem with ${which}: see Configuration.`,
    'Fix it there, and restart the relay.',
  )
}

/** The fix while nothing settles and nothing is sent. */
export const heldFix = 'Fix what Configuration names, and restart the relay.'

const sentence = (text: string): string => text.replace(/[.?]?$/, (end) => end || '.')

const titleOf = ({ name }: Problem): string =>
  /^[A-Z][A-Z0-9_, ]*$|^[a-z0-9]+(_[a-z0-9]+)+$/.test(name) ? 'Variable' : 'relay.config.ts'

/** One check for each problem and warning of the variables and `relay.config.ts`. */
export function configurationChecks({ problems, warnings }: ConfigurationSeen): Check[] {
  const check = (id: string, one: Problem, finding: typeof problem): Check => ({
    id,
    title: titleOf(one),
    ...finding(sentence(`${one.name} ${one.what}`), one.fix),
  })
  const found = [
    ...problems.map((one, place) => check(`problem-${place}`, one, problem)),
    ...warnings.map((one, place) => check(`warning-${place}`, one, warning)),
  ]
  if (problems.length > 0) return found
  return [{ id: 'configuration', title: 'Variables and rules', ...ok('All are in order.') }, ...found]
}
