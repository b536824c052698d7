import { cutAround, cutToCodePoints, toJson } from './prompt-text.ts'

/** A differing key by its dotted path. Null if the key is missing, else JSON cut to 100 characters. */
export interface ConfigChange {
  key: string
  before: string | null
  after: string | null
}

const maxChanges = 20
const maxJson = 100
const maxDepth = 50

/**
 * The keys in which two configs differ: objects by key, lists of objects by index (`tools.0.name`), anything else as a
 * whole. A config that is not an object has the key `config`. Nothing differs if one side is `undefined`, that is, unknown.
 * At most 20 keys; `more` counts the rest.
 */
export function diffConfig(before: unknown, after: unknown): { changes: ConfigChange[]; more: number } {
  const changes: ConfigChange[] = []
  let more = 0
  const walk = (path: readonly string[], left: unknown, right: unknown): void => {
    const keys = path.length < maxDepth ? commonKeys(left, right) : null
    if (keys) {
      for (const key of keys) walk([...path, key], own(left, key), own(right, key))
      return
    }
    const change = compare(path, left, right)
    if (change && changes.length < maxChanges) changes.push(change)
    else if (change) more++
  }
  if (before !== undefined && after !== undefined) walk([], before, after)
  return { changes, more }
}

/** The keys to compare one by one, or null if the two values are compared as a whole. */
function commonKeys(left: unknown, right: unknown): Set<string> | null {
  if (!isObject(left) || !isObject(right) || Array.isArray(left) !== Array.isArray(right)) return null
  if (Array.isArray(left) && Array.isArray(right) && ![...left, ...right].some(isObject)) return null
  return new Set([...Object.keys(left), ...Object.keys(right)])
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const own = (value: unknown, key: string): unknown =>
  isObject(value) ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined

function compare(path: readonly string[], left: unknown, right: unknown): ConfigChange | null {
  const [before, after] = [left, right].map((value) => (value === undefined ? null : toJson(value)))
  if (before === after || before === undefined || after === undefined) return null
  return {
    key: cutToCodePoints(path.join('.') || 'config', maxJson),
    before: before && cutAround(before, after ?? '', maxJson),
    after: after && cutAround(after, before ?? '', maxJson),
  }
}
