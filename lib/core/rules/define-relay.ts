import type { z } from 'zod'
import type { Env } from '../../base/env.ts'
import type { projectSettings } from './projects.ts'
import type { scoreClause } from './row-clauses.ts'
import type { Rule, Trigger } from './rules.ts'
import type { TargetOf, TargetType, targetKinds } from './target-settings.ts'

/** Reads a variable by name: trimmed; undefined: unset or blank. */
export type ReadVariable = (name: string) => string | undefined

/** A setting as written in `relay.config.ts`: what comes from the environment may be unset. */
type Unset<V> =
  | (V extends readonly string[]
      ? string | readonly string[]
      : V extends readonly (infer One)[]
        ? readonly One[]
        : V extends object
          ? { readonly [K in keyof V]: Unset<V[K]> }
          : V)
  | undefined

type Settings<Type extends TargetType> = (typeof targetKinds)[Type]['settings']
type Written<Type extends TargetType> = {
  readonly [K in keyof z.input<Settings<Type>>]: K extends 'type'
    ? Type
    : Unset<TargetOf<Type>[K & keyof TargetOf<Type>]>
}
type WrittenTarget = { [Type in TargetType]: Written<Type> }[TargetType]

type ProjectSettings = z.output<typeof projectSettings>
type WrittenProject = {
  readonly [K in keyof ProjectSettings]?: K extends 'webhookSecrets'
    ? string | readonly (string | undefined)[] | undefined
    : Unset<ProjectSettings[K]>
}

type WrittenRule = Omit<Rule, 'on'> & { readonly on?: readonly Trigger[] }

interface RelayFile {
  /** The projects of Langfuse, each with its own keys and secrets. Absent: the plain variables make one. */
  readonly projects?: Readonly<Record<string, object>>
  readonly targets: Readonly<Record<string, WrittenTarget>>
  readonly rules: readonly WrittenRule[]
  /**
   * Who is notified of troubles: one target or several, each of all but its own. Absent: every target that people
   * read (`targetKinds`). An empty list: no target.
   */
  readonly alertTarget?: string | readonly string[]
}

/** The type required of an unknown key, which no value has: the compiler's message shows it. */
interface NoKey<Key, Of extends string> {
  'unknown key': `${Key & string} is not a key of ${Of}`
}
/** Only the keys of `Shape`: TypeScript does not check a function's result for others. */
type Only<T, Shape, Of extends string> = { [K in keyof T]: K extends keyof Shape ? unknown : NoKey<K, Of> }

type OnlyPart<Part, Shape, Of extends string> = Part extends readonly unknown[]
  ? unknown
  : Part extends object
    ? Only<Part, Shape, Of>
    : unknown

/** All of its keys are optional, so that TypeScript would infer nothing from an entry with unknown keys only. */
type OnlyProject<P> = {
  [K in keyof P]: K extends keyof WrittenProject ? WrittenProject[K] : NoKey<K, 'a project'>
}

type OnlyTarget<T> = T extends { type: infer Type extends TargetType }
  ? Only<T, Written<Type>, `a target of the type ${Type}`> & {
      [K in keyof T]: OnlyPart<T[K], NonNullable<TargetOf<Type>[K & keyof TargetOf<Type>]>, K & string>
    }
  : unknown

type OnlyRule<R, Name> = Only<R, Rule, 'a rule'> &
  (R extends { score: infer Score extends object }
    ? { score: Only<Score, z.output<typeof scoreClause>, 'score'> }
    : unknown) & { to: readonly [Name, ...Name[]] }

type OnlyRules<Rules extends readonly WrittenRule[], Name> = {
  [Place in keyof Rules]: OnlyRule<Rules[Place], Name>
}

type OnlyKnown<File extends RelayFile> = Only<File, RelayFile, 'relay.config.ts'> & {
  projects?: { [Name in keyof File['projects']]: OnlyProject<File['projects'][Name]> }
  targets: { [Name in keyof File['targets']]: OnlyTarget<File['targets'][Name]> }
  rules: OnlyRules<File['rules'], keyof File['targets'] & string>
  alertTarget?: (keyof File['targets'] & string) | readonly (keyof File['targets'] & string)[]
}

/** What `relay.config.ts` exports. Its result is unknown until it has been checked. */
export type BuildRoutes = (env: Env, variable: ReadVariable) => unknown

/**
 * Types for `relay.config.ts`: an unknown key, word or target does not compile. `variable` reads any variable, and lets
 * a problem with its value name it.
 */
export function defineRelay<const File extends RelayFile>(
  build: (env: Env, variable: ReadVariable) => File & OnlyKnown<File>,
): BuildRoutes {
  return build
}
