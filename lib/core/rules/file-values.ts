import type { z } from 'zod'
import { fixOf } from '../../base/env.ts'
import { type Problem, suggestion } from '../../base/problem.ts'
import { cleaned } from '../../base/text-flaws.ts'

export type Plain = Readonly<Record<string, unknown>>

export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const inFile = 'Correct it in relay.config.ts.'

/** `name`: the path of what has the keys; `of`: what it is, for the message. */
export function unknownKeys(
  value: Plain,
  known: readonly string[],
  { name, of }: { name: string; of: string },
): Problem[] {
  const base = name === 'relay.config.ts' ? '' : `${name}.`
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      name: `${base}${key}`,
      what: `is not a key of ${of}`,
      fix: `${suggestion(key, known)} (relay.config.ts)`,
    }))
}

export const isUnset = (value: unknown): boolean =>
  value === undefined || (typeof value === 'string' && cleaned(value) === '')

/** Without settings that are unset or blank, and without parts that are so as a whole (such as a GitHub App). */
export function setOnly(value: unknown): unknown {
  if (isUnset(value)) return undefined
  if (!isPlain(value)) return value
  const set = Object.entries(value).flatMap(([key, part]) => {
    const kept = setOnly(part)
    return kept === undefined ? [] : [[key, kept] as const]
  })
  return set.length === 0 ? undefined : Object.fromEntries(set)
}

/** Paths of all single settings. */
export const leavesOf = (given: Plain, path: string[] = []): string[][] =>
  Object.entries(given).flatMap(([key, value]) =>
    isPlain(value) ? leavesOf(value, [...path, key]) : [[...path, key]],
  )

export const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((part: unknown, key) => (part as Plain | undefined)?.[String(key)], value)

/** The name of the variable that a setting comes from, by the setting's path; without one, the path itself. */
export type Names = (path: readonly PropertyKey[]) => string

export const dotted = (path: readonly PropertyKey[]): string =>
  path
    .map((key, place) => (typeof key === 'number' ? `[${key}]` : `${place === 0 ? '' : '.'}${String(key)}`))
    .join('')

/** Problems of the settings that are set; unset ones are reported separately, by name. `called`: by a setting's path. */
export function settingProblems(set: Plain, settings: z.ZodType, called: Names): Problem[] {
  const parsed = settings.safeParse(set)
  if (parsed.success) return []
  return parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) return []
    if (valueAt(set, issue.path) === undefined) return []
    const name = called(issue.path)
    return [{ name, what: issue.message, fix: fixOf(name) }]
  })
}
