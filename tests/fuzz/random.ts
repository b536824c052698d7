/** Random numbers that a seed determines (mulberry32), so that a failing input can be made again. */
export interface Random {
  /** 0 up to, but without, 1. */
  next: () => number
  /** A whole number below `most`. */
  below: (max: number) => number
  pick: <T>(values: readonly T[]) => T
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (max: number): number => Math.floor(next() * max)
  const pick = <T>(values: readonly T[]): T => {
    const value = values[below(values.length)]
    if (value === undefined && values.length === 0) throw new Error('Nothing to pick from')
    return value as T
  }
  return { next, below, pick }
}
