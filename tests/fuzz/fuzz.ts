import { cases, type Take } from './cases.ts'
import { randomFrom } from './random.ts'

export interface Fuzzed {
  runs: number
  /** How often each case ended how. */
  ended: Map<string, number>
  /** The longest that one input took, milliseconds. */
  longestMs: number
  failures: { index: number; name: string; message: string }[]
}

const names = Object.keys(cases)
const maxFailures = 5

/** Inputs `from` up to `from + runs` of a seed: each follows from the seed and its number alone. */
export async function fuzz(
  { seed, from, runs }: { seed: number; from: number; runs: number },
  take: Take,
): Promise<Fuzzed> {
  const result: Fuzzed = { runs: 0, ended: new Map(), longestMs: 0, failures: [] }
  for (let index = from; index < from + runs && result.failures.length < maxFailures; index++) {
    const random = randomFrom(Math.imul(seed, 0x9e3779b1) + index)
    const name = random.pick(names)
    const startedAt = performance.now()
    try {
      const end = `${name}: ${await cases[name]?.(random, take)}`
      result.ended.set(end, (result.ended.get(end) ?? 0) + 1)
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      result.failures.push({ index, name, message })
    }
    result.runs += 1
    result.longestMs = Math.max(result.longestMs, performance.now() - startedAt)
  }
  return result
}
