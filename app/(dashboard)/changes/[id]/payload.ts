import { jsonOf } from '#lib/base/json.ts'

/** The part of a body that is shown. `isWhole`: it is complete, and JSON is indented. */
export interface Payload {
  text: string
  isWhole: boolean
}

/** A truncated body is no longer JSON, so it is shown as received; a partial character at its end is dropped. */
export function payloadOf(head: Uint8Array, size: number): Payload {
  const isWhole = head.byteLength >= size
  const text = new TextDecoder().decode(head, { stream: !isWhole })
  return { text: isWhole ? indented(text) : text, isWhole }
}

function indented(text: string): string {
  const json = jsonOf(text)
  return json === undefined ? text : JSON.stringify(json, null, 2)
}
