import { isUtf8 } from 'node:buffer'

export type JsonObject = Record<string, unknown>

export interface JsonRefusal {
  ok: false
  reason: 'not-utf8' | 'not-json' | 'not-an-object' | 'too-deep'
  message: string
}

const maxDepth = 100

const refuse = (reason: JsonRefusal['reason'], message: string): JsonRefusal => ({
  ok: false,
  reason,
  message,
})

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Level by level, since recursion over a hostile body would overflow the stack. */
export function isDeeperThan(levels: number, root: unknown): boolean {
  let level = [root].filter(isContainer)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level.flatMap((container) => Object.values(container).filter(isContainer))
  }
  return false
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return value === null ? 'null' : `a ${typeof value}`
}

/** The parsed text; undefined if it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON object of at most 100 levels. A byte order mark is not JSON (RFC 8259, §8.1). */
export function readJsonObject(rawBody: Uint8Array): { ok: true; value: JsonObject } | JsonRefusal {
  if (!isUtf8(rawBody)) return refuse('not-utf8', 'The body is not valid UTF-8')
  const value = jsonOf(Buffer.from(rawBody.buffer, rawBody.byteOffset, rawBody.byteLength).toString())
  if (value === undefined) return refuse('not-json', `The body of ${rawBody.byteLength} bytes is not JSON`)
  if (!isContainer(value) || Array.isArray(value))
    return refuse('not-an-object', `The body must be a JSON object, it is ${kindOf(value)}`)
  if (isDeeperThan(maxDepth, value))
    return refuse('too-deep', `The body is nested deeper than ${maxDepth} levels`)
  return { ok: true, value: value as JsonObject }
}
