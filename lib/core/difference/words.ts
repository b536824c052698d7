import { align, maxEditsFor, type Run } from './align.ts'
import { splitsPair } from './text.ts'

/** A piece of a line; a line's pieces joined are the line. */
export interface Part {
  text: string
  changed: boolean
}

export interface MarkedPair {
  before: Part[]
  after: Part[]
  /** The lines were too long to compare all words. */
  coarse: boolean
}

/** Longer middles of a line (what is left when the common start and end are off) are marked as a whole. */
const maxMiddle = 20_000

/** Below this share of common characters two lines have nothing to do with each other. */
const minShare = 0.3

/**
 * A word with the spaces before it. A variable stays whole; scripts that write no spaces go by character; an
 * emoji keeps its joiners and modifiers, a letter its combining marks.
 */
const word =
  /\s*(?:\{\{[^\{\}\s]{1,80}\}\}|[[\p{L}\p{M}\p{N}_]--[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]]+|\p{RI}{2}|\S(?:\u200d\S|[\p{M}\p{EMod}])*)|\s+/gv

/** Marks the words in which two lines differ; all of both when they have too little in common. */
export function markWords(before: string, after: string): MarkedPair {
  const head = commonStart(before, after)
  const tail = commonEnd(before, after, head)
  const [left, right] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)]
  const coarse = left.length > maxMiddle || right.length > maxMiddle
  const middle = coarse ? replaced(left, right) : markMiddle(left, right)
  const start = same(before.slice(0, head))
  const end = same(before.slice(before.length - tail))
  const marked = {
    before: joined([...start, ...middle.before, ...end]),
    after: joined([...start, ...middle.after, ...end]),
  }
  const isRelated =
    sharedLength(marked.before) >= minShare * Math.max(weight(before), weight(after)) || before === after
  return { ...(isRelated ? marked : replaced(before, after)), coarse: coarse || middle.coarse }
}

const same = (text: string): Part[] => [{ text, changed: false }]
const changed = (text: string): Part[] => [{ text, changed: true }]
const weight = (text: string): number => text.replaceAll(/\s+/g, '').length
const sharedLength = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + (part.changed ? 0 : weight(part.text)), 0)

const replaced = (before: string, after: string): MarkedPair => ({
  before: joined(changed(before)),
  after: joined(changed(after)),
  coarse: false,
})

function markMiddle(before: string, after: string): MarkedPair {
  const [left, right] = [before.match(word) ?? [], after.match(word) ?? []]
  const bare = (token: string): string => token.trimStart() || token
  const { runs, coarse } = align(
    left.map(bare),
    right.map(bare),
    maxEditsFor(left.length + right.length) >> 5,
  )
  const marked: MarkedPair = { before: [], after: [], coarse }
  for (const run of runs) {
    const tokens = left.slice(run.before, run.beforeEnd)
    const others = right.slice(run.after, run.afterEnd)
    if (run.same) tokens.forEach((token, at) => void push(marked, token, others[at] ?? ''))
    else pushReplaced(marked, tokens.join(''), others.join(''))
  }
  return marked
}

/** The same word on both sides; the spaces before it may differ. */
function push(marked: MarkedPair, token: string, other: string): void {
  const bare = token.trimStart() || token
  const [space, otherSpace] = [token.slice(0, -bare.length), other.slice(0, -bare.length)]
  marked.before.push({ text: space, changed: space !== otherSpace }, ...same(bare))
  marked.after.push({ text: otherSpace, changed: space !== otherSpace }, ...same(bare))
}

function pushReplaced(marked: MarkedPair, before: string, after: string): void {
  const space = /^\s*/.exec(before)?.[0] ?? ''
  // The space before two exchanged words is the same one.
  const kept = space.length < before.length && /^\s*/.exec(after)?.[0] === space ? space : ''
  marked.before.push(...same(kept), ...changed(before.slice(kept.length)))
  marked.after.push(...same(kept), ...changed(after.slice(kept.length)))
}

function joined(parts: readonly Part[]): Part[] {
  const whole: Part[] = []
  for (const part of parts) {
    const last = whole.at(-1)
    if (part.text === '') continue
    if (last?.changed === part.changed) last.text += part.text
    else whole.push({ ...part })
  }
  return whole
}

/** How far a common start or end is taken back to reach a space, so that no word is cut. */
const reach = 100

function commonStart(before: string, after: string): number {
  const end = Math.min(before.length, after.length)
  let at = 0
  while (at < end && before.charCodeAt(at) === after.charCodeAt(at)) at++
  for (let back = at; back > Math.max(0, at - reach); back--)
    if (/\s/.test(before.charAt(back - 1))) return back
  if (at <= reach) return 0
  return splitsPair(before, at) || splitsPair(after, at) ? at - 1 : at
}

function commonEnd(before: string, after: string, start: number): number {
  const end = Math.min(before.length, after.length) - start
  let length = 0
  const fromEnd = (text: string): number => text.charCodeAt(text.length - 1 - length)
  while (length < end && fromEnd(before) === fromEnd(after)) length++
  for (let back = length; back > Math.max(0, length - reach); back--) {
    if (/\s/.test(before.charAt(before.length - back))) return back
  }
  if (length <= reach) return 0
  const splits = splitsPair(before, before.length - length) || splitsPair(after, after.length - length)
  return splits ? length - 1 : length
}

/**
 * Which removed line became which added one, as indices into the run: line by line when their numbers are
 * equal; else each line of the shorter side, in order, takes the most similar of the next few. Looks at the
 * first `limit` lines of the shorter side.
 */
export function pairLines(before: string[], after: string[], run: Run, limit: number): Map<number, number> {
  const removed = run.beforeEnd - run.before
  const added = run.afterEnd - run.after
  const isMirrored = removed > added
  const [few, many] = isMirrored ? [added, removed] : [removed, added]
  const wordsOfOld = wordsOf(before, run.before)
  const wordsOfNew = wordsOf(after, run.after)
  const [line, candidate] = isMirrored ? [wordsOfNew, wordsOfOld] : [wordsOfOld, wordsOfNew]
  const pairs = new Map<number, number>()
  let next = 0
  for (let i = 0; i < Math.min(few, limit); i++) {
    const end = Math.min(many - few + i, next + 8) + 1
    const found = few === many ? i : mostSimilar(line(i), candidate, [next, end])
    if (found === null) continue
    pairs.set(isMirrored ? found : i, isMirrored ? i : found)
    next = found + 1
  }
  return pairs
}

type Words = (at: number) => Set<string>

/** The words in the first 500 characters of a line: enough to recognise it. Each line is read once. */
function wordsOf(lines: readonly string[], start: number): Words {
  const known = new Map<number, Set<string>>()
  return (at) => {
    const words = known.get(at) ?? new Set(lines[start + at]?.slice(0, 500).match(/[\p{L}\p{N}_]+/gu))
    known.set(at, words)
    return words
  }
}

function mostSimilar(words: Set<string>, candidate: Words, [from, end]: [number, number]): number | null {
  let best: number | null = null
  let max = 0.4
  for (let at = from; at < end; at++) {
    const others = candidate(at)
    const common = [...words].filter((one) => others.has(one)).length
    const share = common / Math.max(1, words.size, others.size)
    if (share > max) [best, max] = [at, share]
  }
  return best
}
