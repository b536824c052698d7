import { type Env, envNames, fixOf, misspelt, readEnv, type Source } from '../../base/env.ts'
import { nearest, type Problem, suggestion } from '../../base/problem.ts'
import { cleaned } from '../../base/text-flaws.ts'
import { levels, scoreDataTypes, scoreSources } from '../change/observed.ts'
import type { BuildRoutes, ReadVariable } from './define-relay.ts'
import {
  dotted,
  inFile,
  isPlain,
  isUnset,
  leavesOf,
  type Names,
  type Plain,
  setOnly,
  settingProblems,
  unknownKeys,
  valueAt,
} from './file-values.ts'
import { type LangfuseProject, readProjects } from './projects.ts'
import { scoreClause } from './row-clauses.ts'
import { type Routes, type Rule, ruleSchema } from './rules.ts'
import { type Target, type TargetType, targetKinds, targetTypes } from './target-settings.ts'

/** A target as `relay.config.ts` has it. Its settings go by the names of their variables, or by their own. */
export interface TargetWritten {
  name: string
  type: TargetType
  missing: string[]
  settings: string[]
}

export interface Configuration {
  /** Null: no event can be stored; see `Reading` in `env.ts`. */
  env: Env | null
  routes: Routes
  written: TargetWritten[]
  /** At least one. */
  projects: LangfuseProject[]
  /** With one of them nothing settles or is sent; events are still stored. */
  problems: Problem[]
  warnings: Problem[]
}

/** Reads the variables and `relay.config.ts` together. Never throws. */
export function readConfiguration(build: BuildRoutes, source: Source): Configuration {
  const { env, values, problems } = readEnv(source)
  const { routes, written, projects, read, ...found } = readFile(build, values, source, problems)
  return {
    env: env && { ...env, LANGFUSE_ORIGINS: env.LANGFUSE_ORIGINS ?? originsOf(projects) },
    routes,
    written,
    projects,
    problems: [...problems, ...found.problems],
    warnings: [...misspelt(source, read), ...found.warnings],
  }
}

/** Where people open the projects; undefined: only where the plain variables say. */
const originsOf = (projects: readonly LangfuseProject[]): string[] | undefined =>
  projects.every(({ signsForAny }) => signsForAny)
    ? undefined
    : [...new Set(projects.map(({ webUrl }) => new URL(webUrl).origin))]

/** The configured targets, with the rules. */
export const buildRoutes = (build: BuildRoutes, env: Env): Routes => readFile(build, env, {}, []).routes

interface FileRead extends Pick<Configuration, 'routes' | 'written' | 'projects' | 'problems' | 'warnings'> {
  /** The names of the variables that it read. */
  read: string[]
}

const noRoutes: Routes = { targets: {}, rules: [], alertTargets: [] }

function readFile(build: BuildRoutes, env: Env, source: Source, known: readonly Problem[]): FileRead {
  const read = new Set<string>()
  const variable: ReadVariable = (name) => {
    read.add(name)
    return cleaned(source[name] ?? '') || undefined
  }
  const built = attempt(() => build(env, variable))
  const file = 'problem' in built ? {} : built.value
  const whole = 'problem' in built ? [built.problem] : fileProblems(file)
  const names = sourcesOf(build, [...read])
  if (!isPlain(file) || whole.length > 0) {
    const { projects } = readProjects(undefined, env, names)
    return { routes: noRoutes, written: [], projects, problems: whole, warnings: [], read: [...read] }
  }
  const { projects, ...found } = readProjects(file.projects, env, names)
  const targets = Object.entries(file.targets as Plain).map(([name, given]) => readTarget(name, given, names))
  const rules = readRules(file.rules as readonly unknown[], names)
  const lacking = targets.flatMap(({ partial }) => partial ?? []).filter(({ name }) => !isNamed(known, name))
  return {
    routes: routesOf(targets, rules.rules, file.alertTarget as AlertTarget, env),
    written: targets.flatMap(({ written }) => written ?? []),
    projects,
    problems: distinct([
      ...targets.flatMap(({ problems }) => problems),
      ...lacking,
      ...found.problems.filter(({ name }) => !isNamed(known, name)),
      ...rules.problems,
    ]),
    warnings: [
      ...warningsOf(rules.rules, file.alertTarget as AlertTarget, Object.keys(file.targets as Plain)),
      ...misspeltProjects(rules.rules, projects),
    ],
    read: [...read],
  }
}

/** Two targets may use one variable. */
const distinct = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((problem) => [`${problem.name} ${problem.what}`, problem])).values(),
]

const isNamed = (problems: readonly Problem[], names: string): boolean =>
  names.split(', ').every((name) => problems.some((problem) => problem.name === name))

function attempt(build: () => unknown): { value: unknown } | { problem: Problem } {
  try {
    return { value: build() }
  } catch (error) {
    // Messages of other errors may hold a value: JSON.parse quotes what it cannot parse.
    const isSafe = error instanceof TypeError || error instanceof ReferenceError
    const what = error instanceof Error ? `${error.name}${isSafe ? ` (${error.message})` : ''}` : 'something'
    return { problem: { name: 'relay.config.ts', what: `throws ${what}`, fix: inFile } }
  }
}

type AlertTarget = string | readonly string[] | undefined

const fileKeys = ['projects', 'targets', 'rules', 'alertTarget']

const isNames = (value: unknown): value is AlertTarget =>
  value === undefined ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((one) => typeof one === 'string'))

function fileProblems(file: unknown): Problem[] {
  const of = (name: string, what: string): Problem => ({ name, what, fix: inFile })
  if (!isPlain(file) || file instanceof Promise)
    return [of('relay.config.ts', 'does not return an object with targets and rules (it must not be async)')]
  return [
    ...unknownKeys(file, fileKeys, { name: 'relay.config.ts', of: 'relay.config.ts' }),
    ...(isPlain(file.projects ?? {}) ? [] : [of('projects', 'is not an object of projects by name')]),
    ...(isPlain(file.targets) ? [] : [of('targets', 'is not an object of targets by name')]),
    ...(Array.isArray(file.rules) ? [] : [of('rules', 'is not a list of rules')]),
    ...(isNames(file.alertTarget)
      ? []
      : [of('alertTarget', 'is neither the name of a target nor a list of names')]),
  ]
}

interface TargetRead {
  name: string
  written: TargetWritten | null
  target: Target | null
  problems: Problem[]
  /** What is not set although other settings of the target are. */
  partial: Problem[]
}

function readTarget(name: string, given: unknown, names: Names): TargetRead {
  const nothing = { name, written: null, target: null, partial: [] }
  const path = `targets.${name}`
  if (!isPlain(given))
    return { ...nothing, problems: [{ name: path, what: 'is not an object with a type', fix: inFile }] }
  const type = targetTypes.find((one) => one === given.type)
  if (type === undefined) {
    const fix = suggestion(String(given.type).slice(0, 60), targetTypes)
    return { ...nothing, problems: [{ name: `${path}.type`, what: 'is not a kind of target', fix }] }
  }
  const { settings, ways, why } = targetKinds[type]
  const { set, missing } = setAndMissing(given, ways)
  const called = (path: string[]) => names(['targets', name, ...path])
  const problems = [
    ...unknownKeys(given, Object.keys(settings.shape), { name: path, of: `a target of the type ${type}` }),
    ...settingProblems(set, settings, (setting) => names(['targets', name, ...setting])),
    ...twoWays(set, ways, called),
  ]
  const isBegun = ways.flat().some((key) => set[key] !== undefined)
  const { type: _, ...rest } = given
  const written = { name, type, missing: missing.map(called), settings: leavesOf(rest).map(called) }
  const lacking = written.missing.join(', ')
  const partial =
    isBegun && missing.length > 0
      ? [{ name: lacking, what: `is not set: ${why}`, fix: fixOf(...written.missing) }]
      : []
  const parsed = missing.length === 0 && problems.length === 0 ? settings.safeParse(set) : null
  const target = parsed?.success ? (parsed.data as Target) : null
  return { name, written, target, problems, partial }
}

/** Settings that belong to different ways of configuring the target: it is not known which of them is meant. */
function twoWays(
  set: Plain,
  ways: readonly (readonly string[])[],
  called: (path: string[]) => string,
): Problem[] {
  const begun = ways.flatMap((way) => {
    const own = way.find((key) => set[key] !== undefined && !ways.every((other) => other.includes(key)))
    return own === undefined
      ? []
      : [
          leavesOf({ [own]: set[own] })
            .map(called)
            .join(', '),
        ]
  })
  const [one, other] = begun
  if (one === undefined || other === undefined) return []
  return [
    {
      name: one,
      what: `and ${other} are both set, but only one can be used`,
      fix: 'Keep one of them.',
    },
  ]
}

/** What is set, and the paths of what is missing: on the way that has the most settings, and lacks the fewest. */
function setAndMissing(
  given: Plain,
  ways: readonly (readonly string[])[],
): { set: Plain; missing: string[][] } {
  const needed = new Set(ways.flat())
  const all = setOnly(given) as Plain
  // An empty list of secrets counts as unset; any other empty list is a mistake.
  const isSet = ([key, value]: [string, unknown]) =>
    !(needed.has(key) && Array.isArray(value) && value.length === 0)
  const set = Object.fromEntries(Object.entries(all).filter(isSet))
  const lacks = ways.map((way) => ({
    missing: way.flatMap((key) => unsetIn(given[key], [key])),
    begun: way.filter((key) => set[key] !== undefined).length,
  }))
  const [best] = lacks.toSorted((a, b) => b.begun - a.begun || a.missing.length - b.missing.length)
  return { set, missing: best?.missing ?? [] }
}

function unsetIn(value: unknown, path: string[]): string[][] {
  if (isUnset(value) || (Array.isArray(value) && value.length === 0)) return [path]
  if (!isPlain(value)) return []
  if (Object.keys(value).length === 0) return [path]
  return Object.entries(value).flatMap(([key, part]) => unsetIn(part, [...path, key]))
}

/** Each variable's name as its value, to see which variable a setting comes from. */
const namesAsEnv = Object.fromEntries(envNames.map((name) => [name, name])) as unknown as Env

function sourcesOf(build: BuildRoutes, read: readonly string[]): Names {
  let file: unknown
  try {
    file = build(namesAsEnv, (name) => name)
  } catch {
    // The file computes with a variable, so settings go by their own names.
  }
  const known: readonly unknown[] = [...envNames, ...read]
  return (path) => {
    for (let length = 1; length <= path.length; length++) {
      const value = valueAt(file, path.slice(0, length))
      if (known.includes(value)) return String(value)
    }
    return dotted(path)
  }
}

/** Only the valid rules; any other is a problem, with which nothing acts. */
function readRules(given: readonly unknown[], names: Names): { rules: Rule[]; problems: Problem[] } {
  const seen = new Set<unknown>()
  const problems: Problem[] = []
  const rules = given.flatMap((raw, place) => {
    const own = ruleProblems(raw, place, names)
    const name = isPlain(raw) ? raw.name : undefined
    if (own.length === 0 && seen.has(name))
      own.push({
        name: `rules[${place}].name`,
        what: 'is also the name of another rule',
        fix: 'Give each rule its own name.',
      })
    seen.add(name)
    problems.push(...own)
    const parsed = ruleSchema.safeParse(raw)
    return own.length === 0 && parsed.success ? [parsed.data] : []
  })
  return { rules, problems }
}

function ruleProblems(raw: unknown, place: number, names: Names): Problem[] {
  const path = `rules[${place}]`
  if (!isPlain(raw))
    return [{ name: path, what: 'is not a rule, which is an object with name and to', fix: inFile }]
  const called =
    typeof raw.name === 'string' && raw.name !== '' ? ` In the rule "${raw.name.slice(0, 80)}".` : ''
  const score = isPlain(raw.score) ? raw.score : {}
  const parsed = ruleSchema.safeParse(raw)
  const issues = parsed.success ? [] : parsed.error.issues
  return [
    ...unknownKeys(raw, Object.keys(ruleSchema.shape), { name: path, of: 'a rule' }),
    ...unknownKeys(score, Object.keys(scoreClause.shape), { name: `${path}.score`, of: 'score' }),
    ...unsetClauses(raw, ['rules', place], names),
    ...unsetClauses(score, ['rules', place, 'score'], names),
    ...issues.flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') return []
      const [key] = issue.path
      const isLacking = issue.path.length === 1 && raw[String(key)] === undefined
      // `unsetClauses` reports a key without a value.
      if (isLacking && key !== undefined && Object.hasOwn(raw, key)) return []
      const what = isLacking ? 'is not set' : issue.message
      return [{ name: dotted(['rules', place, ...issue.path]), what, fix: inFile }]
    }),
  ].map((problem) => ({ ...problem, fix: `${problem.fix}${called}` }))
}

/** A rule with a clause without a value would match anything. */
function unsetClauses(given: Plain, path: readonly PropertyKey[], names: Names): Problem[] {
  return Object.keys(given)
    .filter((key) => given[key] === undefined)
    .map((key) => {
      const place = dotted([...path, key])
      const source = names([...path, key])
      const from = source === place ? '' : `, as ${source} is not set`
      return {
        name: place,
        what: `has no value${from}, so the rule would match anything`,
        fix: 'Give it one, or remove it.',
      }
    })
}

function routesOf(targets: TargetRead[], rules: Rule[], alertTarget: AlertTarget, env: Env): Routes {
  const complete = targets.flatMap(({ name, target }) =>
    target === null
      ? []
      : [[name, { ...target, retryDelays: target.retryDelays ?? env.RETRY_DELAYS }] as const],
  )
  return { targets: Object.fromEntries(complete), rules, alertTargets: alertTargetsOf(alertTarget, complete) }
}

/** As named, or else every target that people read. */
function alertTargetsOf(
  named: AlertTarget,
  complete: readonly (readonly [string, Target])[],
): readonly string[] {
  if (named !== undefined) return typeof named === 'string' ? [named] : named
  return complete.filter(([, { type }]) => targetKinds[type].isReadByPeople).map(([name]) => name)
}

/** A rule may also name the id of a project, which is not known before Langfuse was asked. */
function misspeltProjects(rules: readonly Rule[], projects: readonly LangfuseProject[]): Problem[] {
  const names = projects.map(({ name }) => name)
  return rules.flatMap((rule) =>
    listed(rule.project).flatMap((one) => {
      const near = names.includes(one) ? null : nearest(one, names)
      if (near === null) return []
      const what = `names the project ${one}, which is not in projects`
      return [{ name: `The rule "${rule.name}"`, what, fix: `Did you mean ${near}?` }]
    }),
  )
}

const listed = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value

/** Langfuse may add words of its own, so an unknown one is only a warning. */
function warningsOf(rules: readonly Rule[], alertTarget: AlertTarget, targets: readonly string[]): Problem[] {
  const unknown = (
    name: string,
    where: string,
    given: string | readonly string[] | undefined,
    known: readonly string[],
  ) =>
    listed(given)
      .filter((one) => !known.includes(one))
      .map((one) => ({ name, what: `names ${one}${where}, which is unknown`, fix: suggestion(one, known) }))
  const ofRules = rules.flatMap(({ name, to, level, score }) => {
    const rule = `The rule "${name}"`
    return [
      ...unknown(rule, ' in to', to, targets),
      ...unknown(rule, ' in level', level, levels),
      ...unknown(rule, ' in score.source', score?.source, scoreSources),
      ...unknown(rule, ' in score.dataType', score?.dataType, scoreDataTypes),
    ]
  })
  return [...ofRules, ...unknown('alertTarget', '', alertTarget, targets)]
}
