import type { Run } from './align.ts'
import type { Section } from './sections.ts'
import { cut, splitsPair } from './text.ts'
import { markWords, type Part, pairLines } from './words.ts'

/** A line of the difference; `before` and `after` are its numbers from 1, null on the side that lacks it. */
export interface DifferenceLine {
  sign: ' ' | '+' | '-'
  parts: LinePart[]
  before: number | null
  after: number | null
}

/** `cut`: characters left out after this part, because the line is very long. */
export interface LinePart extends Part {
  cut?: number
}

/** This many unchanged lines are folded. */
export interface Skipped {
  skipped: number
}

export interface DifferenceBlock {
  kind: Section['kind']
  /** The role, `placeholder <name>`, `text`, `JSON`, or `12 unchanged messages`. */
  title: string
  /** Empty for a placeholder and for an empty message: the title and the kind say all. */
  lines: (DifferenceLine | Skipped)[]
  /** Changed lines that are not shown, for the bound on the whole. */
  cutLines: number
  /** A sentence about what the lines do not show: changed line endings, a text prompt that became a chat. */
  note: string | null
  /** Too large or too different for the shortest difference, or for word marks, within the bound. */
  coarse: boolean
}

/** What is still to be spent on one difference, in lines, characters shown, and characters compared by word. */
export interface Budget {
  lines: number
  characters: number
  marked: number
}

const context = 3

/** The changed part of a line is cut at this many characters; an unchanged one keeps its two ends. */
const maxPart = 20_000
const maxUnchanged = 1_000
const keptEnd = 300

/** One section as lines: long unchanged stretches folded, changed words marked. Spends from `budget`. */
export function blockOf(section: Section, budget: Budget): DifferenceBlock {
  const { kind, title, note, runs } = section
  const block: DifferenceBlock = {
    kind,
    title: cut(title, 120),
    lines: [],
    cutLines: 0,
    note,
    coarse: section.coarse,
  }
  for (const [at, run] of runs.entries()) {
    if (run.same) pushSame(block, section, run, { at, budget })
    else pushReplaced(block, section, run, budget)
  }
  return block
}

function pushSame(
  block: DifferenceBlock,
  { before, runs }: Section,
  run: Run,
  { at, budget }: { at: number; budget: Budget },
): void {
  const length = run.beforeEnd - run.before
  const lead = at === 0 ? 0 : context
  const trail = at === runs.length - 1 ? 0 : context
  const isFolded = length > lead + trail + 1
  if (budget.lines === 0) return
  const show = (from: number, to: number): void => {
    for (let i = from; i < to && budget.lines > 0; i++) {
      const parts = [{ text: before[run.before + i] ?? '', changed: false }]
      pushLine(block, budget, { sign: ' ', parts, before: run.before + i + 1, after: run.after + i + 1 })
    }
  }
  show(0, isFolded ? lead : length)
  if (!isFolded) return
  block.lines.push({ skipped: length - lead - trail })
  show(length - trail, length)
}

function pushReplaced(block: DifferenceBlock, section: Section, run: Run, budget: Budget): void {
  const [removed, added] = [run.beforeEnd - run.before, run.afterEnd - run.after]
  const marks = marksOf(block, section, run, budget)
  const [old, fresh] = shareOut(removed, added, budget.lines)
  const shown = block.lines.length
  for (let i = 0; i < old && budget.lines > 0; i++) {
    const parts = marks.before.get(i) ?? [{ text: section.before[run.before + i] ?? '', changed: true }]
    pushLine(block, budget, { sign: '-', parts, before: run.before + i + 1, after: null })
  }
  for (let i = 0; i < fresh && budget.lines > 0; i++) {
    const parts = marks.after.get(i) ?? [{ text: section.after[run.after + i] ?? '', changed: true }]
    pushLine(block, budget, { sign: '+', parts, before: null, after: run.after + i + 1 })
  }
  block.cutLines += removed + added - (block.lines.length - shown)
}

/** How many of the removed and added lines fit into `left`: half for each side, unless one needs less. */
export function shareOut(removed: number, added: number, left: number): [removed: number, added: number] {
  const half = Math.floor(left / 2)
  const old = Math.min(removed, Math.max(left - half, left - added))
  return [old, Math.min(added, left - old)]
}

/** The parts of the paired lines of a run, by index into the run. */
function marksOf(block: DifferenceBlock, { before, after }: Section, run: Run, budget: Budget) {
  const marks = { before: new Map<number, Part[]>(), after: new Map<number, Part[]>() }
  if (budget.lines === 0) return marks
  for (const [i, j] of pairLines(before, after, run, budget.lines)) {
    const [old, fresh] = [before[run.before + i] ?? '', after[run.after + j] ?? '']
    budget.marked -= Math.min(40_000, old.length + fresh.length)
    if (budget.marked < 0) {
      block.coarse = true
      break
    }
    const pair = markWords(old, fresh)
    marks.before.set(i, pair.before)
    marks.after.set(j, pair.after)
    if (pair.coarse) block.coarse = true
  }
  return marks
}

function pushLine(block: DifferenceBlock, budget: Budget, line: DifferenceLine): void {
  const parts = line.parts.flatMap((part, at) => shorten(part, at === 0, at === line.parts.length - 1))
  block.lines.push({ ...line, parts })
  budget.lines--
  budget.characters -= parts.reduce((sum, { text }) => sum + text.length, 0)
  if (budget.characters <= 0) budget.lines = 0
}

function shorten({ text, changed }: Part, isFirst: boolean, isLast: boolean): LinePart[] {
  if (text.length <= (changed ? maxPart : maxUnchanged)) return [{ text, changed }]
  const head = changed ? maxPart : isFirst && !isLast ? 0 : keptEnd
  const tail = changed || isLast ? 0 : keptEnd
  const from = splitsPair(text, head) ? head - 1 : head
  const to = splitsPair(text, text.length - tail) ? text.length - tail - 1 : text.length - tail
  const parts: LinePart[] = [{ text: text.slice(0, from), changed, cut: to - from }]
  return tail === 0 ? parts : [...parts, { text: text.slice(to), changed }]
}
