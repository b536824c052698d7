/** What a harmless question to somebody outside told. */
export interface Reach {
  /** A sentence without a secret. */
  words: string
  /** What mends it; null: nothing is wrong. */
  fix: string | null
  /** How far this machine's clock is before theirs, milliseconds, to a second; null: they told no time. */
  aheadMs: number | null
}

/** All that were asked. */
export interface Asked {
  langfuse: Reach
  /** By name. */
  targets: Record<string, Reach>
}

/** By the `Date` header of an answer that came just now. */
export function aheadMs(date: string | null, now: number): number | null {
  const at = Date.parse(date ?? '')
  return Number.isNaN(at) ? null : now - at
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, '.')}`

/** A reason as targets give it, "what: why, and what mends it". */
export function troubled(reason: string, ahead: number | null = null): Reach {
  const [what = '', why] = reason.split(/: (.*)/s)
  const fix = why ?? 'Look whether it is up, and whether a firewall lets the relay out to it.'
  return { words: sentence(what), fix: sentence(fix), aheadMs: ahead }
}

/** The smallest that anybody told: one clock out there may be wrong, and an answer may be an old one. */
export function clockAhead({ langfuse, targets }: Asked): number | null {
  const told = [langfuse, ...Object.values(targets)].flatMap((one) => one.aheadMs ?? [])
  return told.toSorted((a, b) => Math.abs(a) - Math.abs(b))[0] ?? null
}
