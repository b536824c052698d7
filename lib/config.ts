import type { Env } from './env.ts'
import type { Routes, Rule, Target } from './rules.ts'

/** A target as written in `relay.config.ts`: what comes from the environment may be unset. */
type Written<T> = T extends Target ? { [K in keyof T]: K extends 'type' ? T[K] : T[K] | undefined } : never

interface RelayFile<Targets extends Record<string, Written<Target>>> {
  targets: Targets
  rules: readonly Rule<keyof Targets & string>[]
  /** Where troubles of other targets are told. */
  alertTarget?: keyof Targets & string
}

export type BuildRoutes = (env: Env) => {
  targets: Record<string, Written<Target>>
  rules: readonly Rule[]
  alertTarget?: string
}

export function defineRelay<const Targets extends Record<string, Written<Target>>>(
  build: (env: Env) => RelayFile<Targets>,
): BuildRoutes {
  return build
}

/** What a target cannot do without. */
const required = { slack: ['url'], github: ['repo', 'token'] } as const satisfies {
  [T in Target as T['type']]: readonly (keyof T)[]
}

const isComplete = (target: Written<Target>): target is Target =>
  required[target.type].every((key) => (target as Record<string, unknown>)[key] !== undefined)

/** The targets that are configured, with the rules over them. */
export function buildRoutes(build: BuildRoutes, env: Env): Routes {
  const { targets, rules, alertTarget } = build(env)
  const complete = Object.entries(targets)
    .filter((entry): entry is [string, Target] => isComplete(entry[1]))
    .map(
      ([name, target]) => [name, { ...target, retryDelays: target.retryDelays ?? env.RETRY_DELAYS }] as const,
    )
  return { targets: Object.fromEntries(complete), rules, alertTarget: alertTarget ?? null }
}
