import type { Random } from './random.ts'

/** What parsers stumble over. */
const tokens = [
  '__proto__',
  'constructor',
  '\\u0000',
  '\\ud800',
  '\u2028',
  '1e999',
  '-0',
  'NaN',
  '99999999999999999999',
  '2147483648',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '"',
  '\\',
  ',',
  ':',
  '\ufeff',
  '<!channel>',
  '../',
  '[['.repeat(200),
  '{"a":'.repeat(120),
  'x'.repeat(3000),
  '2026-02-30T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
]

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8')

const splice = (bytes: Buffer, at: number, removed: number, added: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer

const mutations: readonly Mutation[] = [
  (bytes, { below }) => {
    const copy = Buffer.from(bytes)
    const at = below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << below(8))
    return copy
  },
  (bytes, { below }) => splice(bytes, below(bytes.length + 1), 1 + below(16), Buffer.alloc(0)),
  (bytes, { below, pick }) => splice(bytes, below(bytes.length + 1), 0, bytesOf(pick(tokens))),
  (bytes, { below, pick }) => splice(bytes, below(bytes.length + 1), 1 + below(12), bytesOf(pick(tokens))),
  (bytes, { below }) =>
    splice(
      bytes,
      below(bytes.length + 1),
      0,
      Buffer.from(Array.from({ length: 1 + below(8) }, () => below(256))),
    ),
  (bytes, { below }) => {
    const from = below(bytes.length)
    return splice(bytes, below(bytes.length + 1), 0, bytes.subarray(from, from + below(64)))
  },
  (bytes, { below }) => bytes.subarray(0, below(bytes.length + 1)),
  (bytes, { below, pick }, others) => {
    const other = pick(others)
    return Buffer.concat([
      bytes.subarray(0, below(bytes.length + 1)),
      other.subarray(below(other.length + 1)),
    ])
  },
]

/** Bytes with one to four things done to them. */
export function mutateBytes(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let current = bytes
  for (let i = 0; i < 1 + random.below(4); i++) current = random.pick(mutations)(current, random, others)
  return current
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  'x',
  '\u0000',
  '\ud800',
  '\u202e',
  '🦊'.repeat(700),
  'é'.repeat(601),
  '__proto__',
  'latest',
  'production',
  '2026-08-21T09:14:07.412Z',
  '+275760-09-13T00:00:00.000Z',
  [],
  [[], [[]]],
  {},
  { constructor: { prototype: null } },
]

/** The same JSON with something else at one place; keys are taken away and added, too. */
function mutateAt(value: Json, random: Random): Json {
  const { next, below, pick } = random
  if (value === null || typeof value !== 'object' || next() < 0.15) return pick(values)
  if (Array.isArray(value)) {
    if (value.length === 0 || next() < 0.2) return [...value, pick(values)]
    const at = below(value.length)
    return next() < 0.2 ? value.toSpliced(at, 1) : value.with(at, mutateAt(value[at] ?? null, random))
  }
  const entries = Object.entries(value)
  if (entries.length === 0 || next() < 0.1)
    return Object.fromEntries([...entries, [pick(['__proto__', 'type', 'id', 'event', 'x']), pick(values)]])
  const at = below(entries.length)
  const [key, inner] = entries[at] ?? ['', null]
  if (next() < 0.15) return Object.fromEntries(entries.toSpliced(at, 1))
  return Object.fromEntries(entries.with(at, [key, mutateAt(inner, random)]))
}

/** A body of the same kind with one to three values that are others; bytes where it is no JSON. */
export function mutateJson(bytes: Buffer, random: Random): Buffer {
  let value = JSON.parse(bytes.toString('utf8')) as Json
  for (let i = 0; i < 1 + random.below(3); i++) value = mutateAt(value, random)
  return bytesOf(JSON.stringify(value))
}

const headerTokens = [
  't=',
  'v1=',
  's=',
  ',',
  '=',
  ' ',
  'NaN',
  '-1',
  '1e9',
  '0x',
  'é',
  '٣',
  'a'.repeat(64),
  'ab'.repeat(32),
  '0'.repeat(13),
  ',v1=',
  ',t=1',
  'v2=1,',
  '%00',
]

/** A header as HTTP lets one through: no line breaks, bytes of Latin 1. */
export function mutateHeader(header: string, { below, pick, next }: Random): string {
  let current = header
  for (let i = 0; i < 1 + below(3); i++) {
    const at = below(current.length + 1)
    const removed = next() < 0.5 ? below(8) : 0
    const added = next() < 0.6 ? pick(headerTokens) : String.fromCharCode(32 + below(95))
    current = current.slice(0, at) + added + current.slice(at + removed)
    if (next() < 0.1) current = current.toUpperCase()
    if (next() < 0.1) current = current.split(',').toReversed().join(',')
  }
  return current.replace(/[^\x20-\x7e\x80-\xff]/g, '?')
}
