import { align, type Effort } from './align.ts'

/** A piece of a line; a line's pieces joined are the line. `cut`: characters left out after it, since the line is long. */
export interface LinePart {
  text: string
  changed: boolean
  cut?: number
}

export interface MarkedLines {
  before: LinePart[][]
  after: LinePart[][]
  /** Too long or too different to compare the words: some lines are marked whole. */
  coarse: boolean
}

/** Marks the words in which removed lines differ from the added ones in their place. */
export function markLines(removed: readonly string[], added: readonly string[], effort: Effort): MarkedLines {
  if (removed.length === 0 || added.length === 0) return allChanged(removed, added, false)
  const marked = markWords(removed.join('\n'), added.join('\n'), effort)
  if (marked) return { before: linesOf(marked.before), after: linesOf(marked.after), coarse: false }
  if (removed.length !== added.length || removed.length === 1) return allChanged(removed, added, true)
  // Too much to compare at once, but line by line it may not be.
  const pairs = removed.map((line, at) => markLines([line], [added[at] ?? ''], effort))
  return {
    before: pairs.flatMap(({ before }) => before),
    after: pairs.flatMap(({ after }) => after),
    coarse: pairs.some(({ coarse }) => coarse),
  }
}

const changed = (text: string): LinePart[] => [{ text, changed: true }]
const same = (text: string): LinePart => ({ text, changed: false })

const allChanged = (removed: readonly string[], added: readonly string[], coarse: boolean): MarkedLines => ({
  before: removed.map(changed),
  after: added.map(changed),
  coarse,
})

/** More than this between the common start and end is not compared. */
const maxCompared = 20_000
/** Beyond it, little of two texts is the same, and marks say nothing. 200 take 3 ms. */
const maxEdits = 200
/** Finding the words of a text takes up to 0.6 µs a character (Chinese, by dictionary). */
const stepsOfCharacter = 8

/** Null where the texts are too long or too different, or the effort is spent. */
function markWords(
  before: string,
  after: string,
  effort: Effort,
): { before: LinePart[]; after: LinePart[] } | null {
  const [start, end] = commonEnds(before, after)
  const [left, right] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  const steps = stepsOfCharacter * (left.length + right.length)
  if (Math.max(left.length, right.length) > maxCompared || steps > effort.left) return null
  effort.left -= steps
  const [was, is] = [wordsOf(left), wordsOf(right)]
  const { runs, coarse } = align(was.map(bare), is.map(bare), maxEdits, effort)
  if (coarse) return null
  const [head, tail] = [same(before.slice(0, start)), same(before.slice(before.length - end))]
  const marked = { before: [head], after: [head] }
  for (const run of runs) {
    const [olds, news] = [was.slice(run.before, run.beforeEnd), is.slice(run.after, run.afterEnd)]
    pushWords(marked.before, olds, news, run.same)
    pushWords(marked.after, news, olds, run.same)
  }
  return { before: [...marked.before, tail], after: [...marked.after, tail] }
}

/** Lengths of the common start and end, each less 50 characters, so that the words next to a change are whole. */
function commonEnds(before: string, after: string): [start: number, end: number] {
  const max = Math.min(before.length, after.length)
  let start = 0
  while (start < max && before.charCodeAt(start) === after.charCodeAt(start)) start++
  start = Math.max(0, start - 50)
  const fromEnd = (text: string): number => text.charCodeAt(text.length - 1 - end)
  let end = 0
  while (end < max - start && fromEnd(before) === fromEnd(after)) end++
  return [start, Math.max(0, end - 50)]
}

/**
 * A word, a variable, a punctuation mark or an emoji, with the white space before it. White space alone would be matched
 * as readily as a word, and keep true matches apart. A text that ends in white space ends in a word without text.
 */
interface Word {
  space: string
  text: string
}

const bare = ({ text }: Word): string => text

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const variable = /(\{\{[^{}\s]{1,80}\}\})/

function wordsOf(text: string): Word[] {
  const words: Word[] = []
  let space = ''
  const push = (segment: string) => {
    if (segment.trim() === '') space += segment
    else {
      words.push({ space, text: segment })
      space = ''
    }
  }
  // Each second piece is a variable.
  for (const [at, piece] of text.split(variable).entries()) {
    if (at % 2 === 1) push(piece)
    else for (const { segment } of segmenter.segment(piece)) push(segment)
  }
  return space === '' ? words : [...words, { space, text: '' }]
}

/** The space before a word is unchanged where the word in its place has the same; within a replaced run it never is. */
function pushWords(parts: LinePart[], words: Word[], others: Word[], isSame: boolean): void {
  for (const [at, { space, text }] of words.entries()) {
    const other = isSame || at === 0 ? others[at] : undefined
    parts.push({ text: space, changed: space !== other?.space }, { text, changed: !isSame })
  }
}

/** The parts line by line, those that are marked alike joined. */
function linesOf(parts: readonly LinePart[]): LinePart[][] {
  const lines: LinePart[][] = [[]]
  for (const part of parts) {
    for (const [at, text] of part.text.split('\n').entries()) {
      if (at > 0) lines.push([])
      const line = lines.at(-1) ?? []
      const last = line.at(-1)
      if (last?.changed === part.changed) last.text += text
      else if (text !== '') line.push({ ...part, text })
    }
  }
  return lines.map((line) => (isRelated(line) ? line : changed(line.map(({ text }) => text).join(''))))
}

/** With less than this unchanged, a line has nothing to do with what was in its place. */
const minShare = 0.3

function isRelated(line: readonly LinePart[]): boolean {
  const lengthOf = (parts: readonly LinePart[]) => parts.reduce((sum, { text }) => sum + text.length, 0)
  const unchanged = lengthOf(line.filter((part) => !part.changed))
  return unchanged > 0 && unchanged >= minShare * lengthOf(line)
}
