import { diffArrays } from 'diff'

/** A stretch of both token lists, ends excluded: the same on both sides, or replaced. */
export interface Run {
  same: boolean
  before: number
  beforeEnd: number
  after: number
  afterEnd: number
}

/** Runs in order, covering both lists. `coarse`: the shortest difference was beyond the bound. */
export interface Alignment {
  runs: Run[]
  coarse: boolean
}

/** Steps that one difference may still spend on comparing; a million take about 60 ms. */
export interface Effort {
  left: number
}

export const fullEffort = (): Effort => ({ left: 1_000_000 })

/**
 * Aligns two token lists by their shortest difference. Where that takes more than `maxEdits` edits, or more effort than
 * is left (n edits cost n² steps), only their common start and end are the same.
 */
export function align(
  before: readonly string[],
  after: readonly string[],
  maxEdits: number,
  effort: Effort,
): Alignment {
  const max = Math.min(before.length, after.length)
  let head = 0
  while (head < max && before[head] === after[head]) head++
  let tail = 0
  while (tail < max - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++
  const [beforeEnd, afterEnd] = [before.length - tail, after.length - tail]
  const pairs = pairsOf(before.slice(head, beforeEnd), after.slice(head, afterEnd), maxEdits, effort)
  const runs: Run[] = []
  addMatch(runs, 0, 0, head)
  for (const [left, right] of pairs ?? []) addMatch(runs, head + left, head + right, 1)
  addMatch(runs, beforeEnd, afterEnd, tail)
  return { runs, coarse: pairs === null }
}

/** The places of equal tokens in both lists, as many as keep their order; null beyond the bound. */
function pairsOf(
  before: readonly string[],
  after: readonly string[],
  maxEdits: number,
  effort: Effort,
): [left: number, right: number][] | null {
  const tokens = before.length + after.length
  if (tokens > effort.left) return null
  // A token that the other side lacks is part of no pair. Leaving it out changes no result, and makes rewritten texts
  // cheap: lists that have nothing in common take no edits at all.
  const [left, right] = [placesIn(before, new Set(after)), placesIn(after, new Set(before))]
  const maxEditLength = Math.min(maxEdits, Math.floor(Math.sqrt(effort.left - tokens)))
  const changes = diffArrays(
    left.map((place) => before[place]),
    right.map((place) => after[place]),
    { maxEditLength },
  )
  const pairs: [number, number][] = []
  let [l, r, edits] = [0, 0, 0]
  for (const { added, removed, count } of changes ?? []) {
    if (added || removed) edits += count
    else for (let i = 0; i < count; i++) pairs.push([left[l + i] ?? 0, right[r + i] ?? 0])
    if (!added) l += count
    if (!removed) r += count
  }
  effort.left -= tokens + (changes ? edits : maxEditLength) ** 2
  return changes ? pairs : null
}

const placesIn = (tokens: readonly string[], others: ReadonlySet<string>): number[] =>
  tokens.flatMap((token, place) => (others.has(token) ? place : []))

/** Adds `length` equal tokens. What lies between the last run and them is a replaced run. */
function addMatch(runs: Run[], before: number, after: number, length: number): void {
  const last = runs.at(-1)
  const [beforeEnd, afterEnd] = [last?.beforeEnd ?? 0, last?.afterEnd ?? 0]
  const isAdjacent = before === beforeEnd && after === afterEnd
  if (!isAdjacent)
    runs.push({ same: false, before: beforeEnd, beforeEnd: before, after: afterEnd, afterEnd: after })
  const ends = { beforeEnd: before + length, afterEnd: after + length }
  if (isAdjacent && last?.same) Object.assign(last, ends)
  else if (length > 0) runs.push({ same: true, before, after, ...ends })
}
