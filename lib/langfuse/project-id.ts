import { type JsonObject, readJsonObject } from '../base/json.ts'
import { own } from './body.ts'

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What begins an object and names a project with nothing escaped, as Langfuse writes it before any text. */
const named = /^\s*\{\s*"[\s\S]*?"projectId"\s*:\s*"([^"\\]{1,600})"/

/**
 * The project that a refused body names, by its first bytes and its whole size; null where it names none, or where what
 * is there is no JSON as Langfuse sends it.
 */
export function projectIdOf(head: Uint8Array, size: number): string | null {
  if (size > head.byteLength) return named.exec(Buffer.from(head).toString('utf8'))?.[1] ?? null
  const json = readJsonObject(head)
  if (!json.ok) return null
  // In every form it stands in the object that holds what the event is about.
  const inner = Object.values(json.value)
    .filter(isObject)
    .find((one) => Object.hasOwn(one, 'projectId'))
  const id = own(inner ?? {}, 'projectId')
  return typeof id === 'string' ? id : null
}
