/** Compares large prompts in a fresh process, as a page and as a message do. */
import { diffTexts } from '#lib/core/difference/difference.ts'
import { summarise } from '#lib/core/difference/summary.ts'
import { serveTasks } from './worker.ts'

export interface DiffTask {
  name: DiffCase
}

export interface DiffAnswer {
  /** The slower of both. */
  milliseconds: number
  coarse: boolean
}

const words = 'the agent must answer every customer question about refunds orders and delays politely'.split(
  ' ',
)

/** The same numbers in each run. */
function lcg(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

const size = 1_000_000

function linesOf(seed: number): string[] {
  const random = lcg(seed)
  const lines: string[] = []
  for (let length = 0; length < size; ) {
    const line = Array.from({ length: 12 }, () => words[Math.floor(random() * words.length)]).join(' ')
    lines.push(`${line} ${Math.floor(random() * 1e6)}`)
    length += (lines.at(-1)?.length ?? 0) + 1
  }
  return lines
}

const lines = linesOf(1)
const text = lines.join('\n')

/** The worst for a search of the shortest difference: much is equal, and in another order. */
function fewKinds(seed: number): string {
  const random = lcg(seed)
  return Array.from({ length: size / 3 }, () => String(Math.floor(random() * 36))).join('\n')
}

/** The slowest text to find words in: by dictionary. */
const chinese = Array.from({ length: size / 300 }, (_, i) =>
  Array.from({ length: 100 }, (_, j) => String.fromCodePoint(0x4e00 + (((i * 100 + j) * 7919) % 3000))).join(
    '',
  ),
).join('\n')

/** What is not made from the text itself. */
const befores: Partial<Record<DiffCase, () => string>> = {
  'one line without breaks': () => text.replaceAll('\n', ' '),
  'few kinds of lines': () => fewKinds(1),
  'Chinese, a word in each line': () => chinese,
}

const cases = {
  'ten words in all': () => text.replaceAll(/ 1234\d*$/gm, ' changed'),
  'a word in each line': () => lines.map((line, i) => `${line} ${i}`).join('\n'),
  'all lines moved': () => lines.toReversed().join('\n'),
  'nothing in common': () => linesOf(2).join('\n'),
  'one line without breaks': () => text.replaceAll('\n', ' ').replaceAll('refunds', 'returns'),
  'few kinds of lines': () => fewKinds(2),
  'Chinese, a word in each line': () => chinese.replaceAll(/(?<=\n.{50})./g, '好'),
} as const

export type DiffCase = keyof typeof cases

serveTasks<DiffTask, DiffAnswer>(async ({ name }) => {
  const before = befores[name]?.() ?? text
  const after = cases[name]()
  const begin = performance.now()
  const page = diffTexts(before, after)
  const between = performance.now()
  summarise({ version: 1, text: before, config: {} }, { version: 2, text: after, config: {} })
  const milliseconds = Math.max(between - begin, performance.now() - between)
  return { milliseconds, coarse: page.coarse }
})
