/**
 * The form of a prompt's text. Langfuse sends a string (text prompt) or an array of `{role, content}` and
 * `{type: 'placeholder', name}` (chat prompt), but its schema allows any JSON.
 */
export type PromptShape = 'none' | 'text' | 'chat' | 'json'

/** One piece of a prompt. `title`: `text`, `JSON`, the role, or `placeholder <name>`. */
export interface PromptItem {
  title: string
  /** Empty for a placeholder. */
  text: string
  /** The placeholder's name; null for a text. */
  placeholder: string | null
}

/** The webhook endpoint refuses deeper JSON, so this only protects the stack. */
const maxDepth = 100

/** Above this many characters, indentation could multiply the size of deeply nested JSON. */
const maxIndented = 50_000

export const shapeOf = (text: unknown): PromptShape => {
  if (text === undefined || text === null) return 'none'
  if (typeof text === 'string') return 'text'
  return Array.isArray(text) && text.every((item) => chatItem(item) !== null) ? 'chat' : 'json'
}

/** The pieces of a prompt in order; none for `undefined` and `null`. */
export function itemsOf(text: unknown): PromptItem[] {
  if (text === undefined || text === null) return []
  if (typeof text === 'string') return [{ title: 'text', text, placeholder: null }]
  const items = Array.isArray(text) ? text.map(chatItem) : [null]
  const chat = items.filter((item) => item !== null)
  return chat.length === items.length ? chat : [{ title: 'JSON', text: indented(text), placeholder: null }]
}

function chatItem(item: unknown): PromptItem | null {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return null
  const { type, name, role, content, ...rest } = item as Record<string, unknown>
  if (type === 'placeholder' && typeof name === 'string')
    return { title: `placeholder ${name}`, text: '', placeholder: name }
  if (typeof role !== 'string') return null
  const words = typeof content === 'string' ? content : content === undefined ? '' : indented(content)
  // `type` is `chatmessage` or absent and says nothing. Any other field of a message may have changed.
  const others = name === undefined ? rest : { name, ...rest }
  const text = Object.keys(others).length > 0 ? `${words}\n${toJson(others)}` : words
  return { title: role, text, placeholder: null }
}

/** Compact JSON, with `…` in place of anything deeper than 100 levels. Empty for `undefined`. */
export const toJson = (value: unknown): string => JSON.stringify(pruned(value, maxDepth)) ?? ''

function indented(value: unknown): string {
  const compact = toJson(value)
  return compact.length > maxIndented ? compact : (JSON.stringify(pruned(value, maxDepth), null, 2) ?? '')
}

function pruned(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.map((item) => pruned(item, depth - 1))
  // `fromEntries` defines properties, so `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pruned(item, depth - 1)]))
}

/**
 * Names of the variables (`{{name}}`, trimmed) in order of first use, then placeholders as `placeholder:<name>`. Langfuse
 * fills `{{n}}` even next to other braces, as in `{"n": {{n}}}`. Braces around anything but a name (`{{"key": 1}}`,
 * `{{#section}}`) are text.
 * https://github.com/langfuse/langfuse/blob/main/packages/shared/src/utils/stringChecks.ts
 */
export function variablesOf(text: unknown): string[] {
  const found = new Set<string>()
  const placeholders = new Set<string>()
  for (const item of itemsOf(text)) {
    if (item.placeholder !== null) placeholders.add(`placeholder:${item.placeholder}`)
    for (const [, inside = ''] of item.text.matchAll(/\{\{([^{}]*)\}\}/g)) {
      const name = inside.trim()
      if (/^[\p{L}_$][\p{L}\p{M}\p{N}_$.-]*$/u.test(name)) found.add(name)
    }
  }
  return [...found, ...placeholders]
}

/** Characters (code points) of the prompt's texts; titles do not count. */
export const textSize = (text: unknown): number =>
  itemsOf(text).reduce((sum, item) => sum + characters(item.text), 0)

function characters(text: string): number {
  let count = text.length
  for (let i = 1; i < text.length; i++) if (splitsPair(text, i)) count--
  return count
}

/** Whether a cut before index `at` would split a surrogate pair. */
export const splitsPair = (text: string, at: number): boolean =>
  (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800

/** At most `limit` code points, the last of them `…` if something was cut. */
export function cutToCodePoints(text: string, limit: number): string {
  if (text.length <= limit) return text
  // A code point has at most two code units, so this slice has enough of them.
  const points = Array.from(text.slice(0, 2 * limit + 2))
  return points.length <= limit ? text : `${points.slice(0, limit - 1).join('')}…`
}

/** `text` cut to `limit` code points, starting shortly before the first difference from `other`. */
export function cutAround(text: string, other: string, limit: number): string {
  let same = 0
  while (same < text.length && same < other.length && text.charCodeAt(same) === other.charCodeAt(same)) same++
  if (text.length <= limit || same < limit / 2) return cutToCodePoints(text, limit)
  const from = Math.min(same - Math.floor(limit / 5), text.length - Math.floor(limit / 2))
  return cutToCodePoints(`…${text.slice(splitsPair(text, from) ? from - 1 : from)}`, limit)
}
