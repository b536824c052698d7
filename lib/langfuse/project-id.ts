import { type JsonObject, readJsonObject } from '../base/json.ts'
import { own } from './body.ts'

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The start of an object that names a project without escapes, as Langfuse writes it before any text. */
const named = /^\s*\{\s*"[\s\S]*?"projectId"\s*:\s*"([^"\\]{1,600})"/

/**
 * The project that a refused body names, by its first bytes and its full size. Null if it names none, or is not JSON as
 * Langfuse sends it.
 */
export function projectIdOf(head: Uint8Array, size: number): string | null {
  if (size > head.byteLength) return named.exec(Buffer.from(head).toString('utf8'))?.[1] ?? null
  const json = readJsonObject(head)
  if (!json.ok) return null
  // Every form has it in the object that describes what the event is about.
  const inner = Object.values(json.value)
    .filter(isObject)
    .find((one) => Object.hasOwn(one, 'projectId'))
  const id = own(inner ?? {}, 'projectId')
  return typeof id === 'string' ? id : null
}
