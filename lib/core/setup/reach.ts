import { type Finding, problem } from './finding.ts'

/** Whether a server outside can be reached, and what it answered to a harmless request. */
export interface Reach {
  /** A sentence without a secret. */
  words: string
  /** Null: nothing is wrong. */
  fix: string | null
  /** How far this machine's clock is ahead of theirs, milliseconds, to a second; null: they sent no time. */
  aheadMs: number | null
}

/** All that were tried. */
export interface Reached {
  /** By the name of the project. */
  langfuse: Record<string, Reach>
  /** By name. */
  targets: Record<string, Reach>
}

/** By the `Date` header of an answer that arrived just now. */
export function aheadMs(date: string | null, now: number): number | null {
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? null : now - at
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, '.')}`

/** `reach` goes before what is known already; where it found something wrong, it stands alone. */
export function withReach(reach: Reach | undefined, known: Finding): Finding {
  if (reach === undefined) return known
  return reach.fix === null
    ? { ...known, words: `${reach.words} ${known.words}` }
    : problem(reach.words, reach.fix)
}

export const reachable = (words: string): Reach => ({ words, fix: null, aheadMs: null })

/** From a reason as targets give it, "what: why, and how to fix it". */
export function troubled(reason: string, ahead: number | null = null): Reach {
  const [what = '', why] = reason.split(/: (.*)/s)
  const fix = why ?? 'Check that it is up, and that no firewall keeps the relay from reaching it.'
  return { words: sentence(what), fix: sentence(fix), aheadMs: ahead }
}

/** The smallest difference: another server's clock may be wrong, and a cached answer has an old time. */
export function clockAhead({ langfuse, targets }: Reached): number | null {
  const all = [...Object.values(langfuse), ...Object.values(targets)].flatMap((one) => one.aheadMs ?? [])
  return all.toSorted((a, b) => Math.abs(a) - Math.abs(b))[0] ?? null
}
