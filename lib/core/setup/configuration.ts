import { posix } from 'node:path'
import { nearest, type Problem } from '../../base/problem.ts'
import { many } from '../rules/row-clauses.ts'
import type { Rule } from '../rules/rules.ts'
import { type Check, type Finding, notYet, ok, problem, warning } from './check.ts'

/** Names that the store knows; null: too many to tell what is missing among them. */
export interface KnownNames {
  prompts: string[] | null
  projects: string[] | null
}

/** Projects and globs of rules that match nothing which ever came. Nothing came yet: nothing is said. */
export function unmatched(rules: readonly Rule[], { prompts, projects }: KnownNames): Problem[] {
  const found = (
    name: string,
    what: string,
    known: string[] | null,
    value: string,
    holds: boolean,
  ): Problem[] => {
    if (known === null || known.length === 0 || holds) return []
    const near = nearest(value, known)
    const fix = near === null ? 'Right where it is to come yet.' : `Did you mean ${near}?`
    return [
      {
        name: `The rule "${name}"`,
        what: `asks for the ${what} ${value}, which matches nothing that came so far`,
        fix,
      },
    ]
  }
  return rules.flatMap(({ name, prompt, project }) => [
    ...many(prompt ?? []).flatMap((glob) =>
      found(name, 'prompt', prompts, glob, prompts?.some((one) => posix.matchesGlob(one, glob)) ?? true),
    ),
    ...many(project ?? []).flatMap((id) =>
      found(name, 'project', projects, id, projects?.includes(id) ?? true),
    ),
  ])
}

export interface ConfigurationSeen {
  problems: Problem[]
  warnings: Problem[]
}

/** Problems that name one of these, or a part of it (`targets.slack.url` of `targets.slack`). */
const namesOf = (problems: readonly Problem[], names: readonly string[]): string[] =>
  problems
    .flatMap(({ name }) => name.split(', '))
    .filter((name) => names.some((one) => name === one || name.startsWith(`${one}.`)))

/**
 * What was found of these settings; where one of them has a problem, only that. It is counted once, under Configuration:
 * without its value the setting looks as if it were not set.
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
    'Correct it there, and restart the relay.',
  )
}

/** What follows a finding while nothing settles and nothing is sent. */
export const heldFix = 'Correct what Configuration names, and restart the relay.'

const sentence = (text: string): string => text.replace(/[.?]?$/, (end) => end || '.')

const titleOf = ({ name }: Problem): string =>
  /^[A-Z][A-Z0-9_, ]*$|^[a-z0-9]+(_[a-z0-9]+)+$/.test(name) ? 'Variable' : 'relay.config.ts'

/** The variables and `relay.config.ts`, each problem and each doubt by itself. */
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
