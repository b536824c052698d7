import { jsonOf } from '#lib/base/json.ts'

/** What is shown of a body. `isWhole`: nothing was left out, and JSON is indented. */
export interface Payload {
  text: string
  isWhole: boolean
}

/** A cut body is not JSON any more, so it is shown as it came; half a character at its end is dropped. */
export function payloadOf(head: Uint8Array, size: number): Payload {
  const isWhole = head.byteLength >= size
  const text = new TextDecoder().decode(head, { stream: !isWhole })
  return { text: isWhole ? indented(text) : text, isWhole }
}

function indented(text: string): string {
  const json = jsonOf(text)
  return json === undefined ? text : JSON.stringify(json, null, 2)
}
