import { diffArrays } from 'diff'
import { anchors, type Pair } from './anchors.ts'

/** `length` tokens from index `before` on equal those from index `after` on. */
interface Match {
  before: number
  after: number
  length: number
}

/** A stretch of both token lists, ends excluded: the same on both sides, or replaced. */
export interface Run {
  same: boolean
  before: number
  beforeEnd: number
  after: number
  afterEnd: number
}

/** Runs in order, covering both lists; `coarse` when the shortest difference was beyond the bound. */
export interface Alignment {
  runs: Run[]
  coarse: boolean
}

/**
 * How many edits may be searched for when `tokens` tokens (both sides) are compared in one go. The search
 * costs at most edits × tokens comparisons and edits² / 2 steps; 4 million stay near 100 ms, however the
 * tokens are spread over separate comparisons.
 */
export const maxEditsFor = (tokens: number): number =>
  Math.max(8, Math.min(mostEdits, Math.floor(4_000_000 / (tokens + 1))))

const mostEdits = 1_500

/** Beyond this many tokens, numbering them alone takes some 100 ms; a 4 MB prompt has about 100,000 lines. */
const maxTokens = 300_000

/**
 * Aligns two token lists by their shortest difference, or, where that takes more than `maxEdits` edits, by
 * the tokens that occur once on each side, or by common start and end alone. Deterministic; swapping the lists mirrors the runs.
 */
export function align(before: readonly string[], after: readonly string[], maxEdits: number): Alignment {
  const head = commonHead(before, after)
  const tail = commonTail(before, after, head)
  const [beforeEnd, afterEnd] = [before.length - tail, after.length - tail]
  const middle = matchMiddle(before.slice(head, beforeEnd), after.slice(head, afterEnd), maxEdits)
  const matches = middle.matches.map((match) => ({
    ...match,
    before: match.before + head,
    after: match.after + head,
  }))
  matches.unshift({ before: 0, after: 0, length: head })
  matches.push({ before: beforeEnd, after: afterEnd, length: tail })
  return { runs: runsOf(matches), coarse: middle.coarse }
}

/** Adjacent matches are joined; what lies between two is a replaced run. */
function runsOf(matches: readonly Match[]): Run[] {
  const runs: Run[] = []
  let [before, after] = [0, 0]
  for (const match of matches) {
    if (match.before > before || match.after > after) {
      runs.push({ same: false, before, beforeEnd: match.before, after, afterEnd: match.after })
    }
    ;[before, after] = [match.before + match.length, match.after + match.length]
    const last = runs.at(-1)
    if (last?.same) Object.assign(last, { beforeEnd: before, afterEnd: after })
    else if (match.length > 0) {
      runs.push({ same: true, before: match.before, beforeEnd: before, after: match.after, afterEnd: after })
    }
  }
  return runs
}

function commonHead(before: readonly string[], after: readonly string[]): number {
  const end = Math.min(before.length, after.length)
  let head = 0
  while (head < end && before[head] === after[head]) head++
  return head
}

function commonTail(before: readonly string[], after: readonly string[], head: number): number {
  const end = Math.min(before.length, after.length) - head
  let tail = 0
  while (tail < end && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++
  return tail
}

interface Matching {
  matches: Match[]
  coarse: boolean
}

/** The lists differ in their first token, or one is empty. */
function matchMiddle(before: readonly string[], after: readonly string[], maxEdits: number): Matching {
  const [first, other] = [before[0], after[0]]
  if (first === undefined || other === undefined) return { matches: [], coarse: false }
  if (before.length + after.length > maxTokens) return { matches: [], coarse: true }
  // The library prefers removals; always asking it in the same direction makes a swap an exact mirror.
  if (first > other) {
    const { matches, coarse } = matchMiddle(after, before, maxEdits)
    const mirror = (match: Match): Match => ({ ...match, before: match.after, after: match.before })
    return { matches: matches.map(mirror), coarse }
  }
  // A token that the other side lacks is in no shortest difference's common part: leaving it out changes no
  // result, and makes rewritten texts cheap. Numbers compare faster than strings.
  const numbers = new Map<string, number>()
  for (const token of after) if (!numbers.has(token)) numbers.set(token, numbers.size)
  const left = pick(before, (token) => numbers.get(token))
  const used = new Set(left.ids)
  const right = pick(after, (token) => {
    const id = numbers.get(token)
    return id !== undefined && used.has(id) ? id : undefined
  })
  // What was left out pays for more edits between the rest.
  const share = (before.length + after.length) / Math.max(1, left.ids.length + right.ids.length)
  const edits = diffArrays(left.ids, right.ids, { maxEditLength: Math.min(mostEdits, maxEdits * share) })
  const pairs = edits ? pairsOf(edits) : anchors(left.ids, right.ids, numbers.size)
  const matches: Match[] = []
  for (const [l, r] of pairs) add(matches, left.places[l] ?? 0, right.places[r] ?? 0)
  return { matches: edits ? matches : grow(before, after, matches), coarse: edits === undefined }
}

/** Lengthens the last match where the pair continues it: a million pairs are mostly a few long matches. */
function add(matches: Match[], before: number, after: number): void {
  const last = matches.at(-1)
  if (last && last.before + last.length === before && last.after + last.length === after) last.length++
  else matches.push({ before, after, length: 1 })
}

function pick(tokens: readonly string[], idOf: (token: string) => number | undefined) {
  const ids: number[] = []
  const places: number[] = []
  tokens.forEach((token, place) => {
    const id = idOf(token)
    if (id === undefined) return
    ids.push(id)
    places.push(place)
  })
  return { ids, places }
}

function* pairsOf(edits: readonly { added: boolean; removed: boolean; count: number }[]): Generator<Pair> {
  let [left, right] = [0, 0]
  for (const { added, removed, count } of edits) {
    if (!added && !removed) for (let i = 0; i < count; i++) yield [left + i, right + i]
    if (!added) left += count
    if (!removed) right += count
  }
}

/** Takes in equal tokens that touch an anchor: those that occur more than once are no anchors themselves. */
function grow(before: readonly string[], after: readonly string[], anchored: readonly Match[]): Match[] {
  const grown: Match[] = []
  let [start, other] = [0, 0]
  for (const end of [...anchored, { before: before.length, after: after.length, length: 0 }]) {
    while (start < end.before && other < end.after && before[start] === after[other]) {
      add(grown, start++, other++)
    }
    let length = end.length
    while (start < end.before && other < end.after && before[end.before - 1] === after[end.after - 1]) {
      end.before--
      end.after--
      length++
    }
    grown.push({ ...end, length })
    ;[start, other] = [end.before + length, end.after + length]
  }
  return grown
}
