import { type Env, envNames } from './env.ts'
import type { GithubApp, Routes, Rule, Target } from './rules.ts'

/** A target as written in `relay.config.ts`: what comes from the environment may be unset. */
type Written<T> = T extends Target ? { [K in keyof T]: K extends 'type' ? T[K] : Unset<T[K]> } : never
type Unset<V> = V extends GithubApp ? { [K in keyof V]: V[K] | undefined } : V | undefined

interface RelayFile<Targets extends Record<string, Written<Target>>> {
  targets: Targets
  rules: readonly Rule<keyof Targets & string>[]
  /**
   * Who is notified of troubles: one target or several, each except of its own. Absent: every Slack and PagerDuty
   * target. An empty list: nobody.
   */
  alertTarget?: (keyof Targets & string) | readonly (keyof Targets & string)[]
}

export type BuildRoutes = (env: Env) => {
  targets: Record<string, Written<Target>>
  rules: readonly Rule[]
  alertTarget?: string | readonly string[]
}

export function defineRelay<const Targets extends Record<string, Written<Target>>>(
  build: (env: Env) => RelayFile<Targets>,
): BuildRoutes {
  return build
}

/** What a target cannot do without: the settings of one of its ways. */
const required = {
  slack: [['url']],
  github: [
    ['repo', 'token'],
    ['repo', 'app'],
  ],
  pagerduty: [['routingKey']],
  webhook: [['url', 'secrets']],
} as const satisfies { [T in Target as T['type']]: readonly (readonly (keyof T)[])[] }

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null ? Object.values(value).every(isSet) : value !== undefined
}

/** The settings that are missing on the way that lacks the fewest. */
function missingOf(target: Written<Target>): string[] {
  const settings = target as Record<string, unknown>
  const ways = required[target.type].map((way) => way.filter((key) => !isSet(settings[key])))
  return ways.toSorted((a, b) => a.length - b.length)[0] ?? []
}

const isComplete = (target: Written<Target>): target is Target => missingOf(target).length === 0

/** The targets that are configured, with the rules over them. */
export function buildRoutes(build: BuildRoutes, env: Env): Routes {
  const { targets, rules, alertTarget } = build(env)
  const complete = Object.entries(targets)
    .filter((entry): entry is [string, Target] => isComplete(entry[1]))
    .map(
      ([name, target]) => [name, { ...target, retryDelays: target.retryDelays ?? env.RETRY_DELAYS }] as const,
    )
  return { targets: Object.fromEntries(complete), rules, alertTargets: alertTargetsOf(alertTarget, complete) }
}

/** As named, or where people read them: those of the targets that are Slack or PagerDuty. */
function alertTargetsOf(
  named: string | readonly string[] | undefined,
  complete: readonly (readonly [string, Target])[],
): readonly string[] {
  if (named !== undefined) return typeof named === 'string' ? [named] : named
  return complete.filter(([, { type }]) => type === 'slack' || type === 'pagerduty').map(([name]) => name)
}

/** Each name in place of its value, to see which variable a target's setting comes from. */
const namesAsEnv = Object.fromEntries(envNames.map((name) => [name, name])) as unknown as Env

/**
 * Every target as written, by name, with what it lacks: the variable that its setting comes from, or the setting's
 * own name where it is not simply a variable.
 */
export function writtenTargets(
  build: BuildRoutes,
  env: Env,
): { name: string; type: Target['type']; missing: string[] }[] {
  const { targets } = build(env)
  const sources = sourcesOf(build)
  return Object.entries(targets).map(([name, target]) => {
    const missing = missingOf(target).map((key) => sources(name, key))
    return { name, type: target.type, missing }
  })
}

function sourcesOf(build: BuildRoutes): (target: string, key: string) => string {
  let targets: Record<string, Record<string, unknown>> = {}
  try {
    targets = build(namesAsEnv).targets
  } catch {
    // The file does more with a variable than to hand it on; then settings go by their own names.
  }
  return (name, key) => envNames.find((variable) => variable === targets[name]?.[key]) ?? `${name}.${key}`
}
