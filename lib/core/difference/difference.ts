import type { DifferenceSummary } from '../change/change.ts'
import type { VersionContent } from '../prompt/fold.ts'
import { type Effort, fullEffort, type Run } from './align.ts'
import { cutToCodePoints, type PromptShape, shapeOf, splitsPair, textSize } from './prompt-text.ts'
import { type Section, sectionsOf } from './sections.ts'
import { shareOut, summarise } from './summary.ts'
import { type LinePart, markLines } from './words.ts'

/** The difference of two versions for a page. `text` null: only what was stored with the change is known. */
export interface VersionDifference {
  summary: DifferenceSummary
  text: PromptDifference | null
}

export type ComparedVersion = VersionContent & { version: number }

export function compareVersions(before: ComparedVersion, after: ComparedVersion): VersionDifference {
  return { summary: summarise(before, after), text: diffTexts(before.text, after.text) }
}

/**
 * The difference that a change's stored summary was made from, if these texts are still the same ones. A prompt that was
 * deleted and created again starts over at version 1, with texts that the change was not about.
 */
export function inFull(
  summary: DifferenceSummary,
  before: VersionContent | null,
  after: VersionContent | null,
): VersionDifference {
  const isSameText =
    before !== null &&
    after !== null &&
    textSize(before.text) === summary.sizeBefore &&
    textSize(after.text) === summary.sizeAfter
  return { summary, text: isSameText ? diffTexts(before.text, after.text) : null }
}

/** At most 2,000 lines, 400,000 characters and 500 blocks. */
export interface PromptDifference {
  shapes: { before: PromptShape; after: PromptShape }
  /** Empty when nothing differs. */
  blocks: DifferenceBlock[]
  cutLines: number
  cutBlocks: number
  coarse: boolean
}

const maxBlocks = 500

/** The difference of two prompts (text, chat or any JSON) for a page. Never throws; time and size are bounded. */
export function diffTexts(before: unknown, after: unknown): PromptDifference {
  const shapes = { before: shapeOf(before), after: shapeOf(after) }
  const effort = fullEffort()
  const sections = sectionsOf(before, after, effort)
  const none = { shapes, blocks: [], cutLines: 0, cutBlocks: 0, coarse: false }
  if (sections.every(({ kind }) => kind === 'same')) return none
  const budget: Budget = { lines: 2_000, characters: 400_000, effort }
  const all = foldSame(sections)
  const blocks = all
    .slice(0, maxBlocks)
    .map((entry) => ('fold' in entry ? entry.fold : blockOf(entry, budget)))
  const cutLines = blocks.reduce((sum, block) => sum + block.cutLines, 0)
  const coarse = sections.some((section) => section.coarse) || blocks.some((block) => block.coarse)
  return { shapes, blocks, cutLines, cutBlocks: all.length - blocks.length, coarse }
}

/** Long runs of unchanged messages become one block; those next to a change stay. */
function foldSame(sections: readonly Section[]): (Section | { fold: DifferenceBlock })[] {
  const folded: (Section | { fold: DifferenceBlock })[] = []
  for (let i = 0; i < sections.length; ) {
    let end = i
    while (sections[end]?.kind === 'same') end++
    const [first, last] = [sections[i], sections[end - 1]]
    if (end - i > 4 && first && last) {
      const title = `${end - i - 2} unchanged messages`
      const fold: DifferenceBlock = { kind: 'same', title, lines: [], cutLines: 0, note: null, coarse: false }
      folded.push(first, { fold }, last)
    } else folded.push(...sections.slice(i, Math.max(end, i + 1)))
    i = Math.max(end, i + 1)
  }
  return folded
}

/** `before` and `after` are the line's numbers from 1, null on the side that lacks it. */
export interface DifferenceLine {
  sign: ' ' | '+' | '-'
  parts: LinePart[]
  before: number | null
  after: number | null
}

/** So many unchanged lines are folded here. */
export interface Skipped {
  skipped: number
}

export interface DifferenceBlock {
  kind: Section['kind']
  /** The role, `placeholder <name>`, `text`, `JSON`, or `12 unchanged messages`. */
  title: string
  /** Empty for a placeholder and for an empty message: title and kind say everything. */
  lines: (DifferenceLine | Skipped)[]
  /** Changed lines that are not shown, because the whole difference is bounded. */
  cutLines: number
  /** A sentence about what lines cannot show: changed line endings, a text prompt that became a chat. */
  note: string | null
  /** Too large or too different for the shortest difference, or for marking words, within the bound. */
  coarse: boolean
}

/** What one difference may still show, and spend on comparing. */
interface Budget {
  lines: number
  characters: number
  effort: Effort
}

const context = 3

/** A changed part of a line is cut at `maxPart` characters; an unchanged one above `maxUnchanged` keeps its two ends. */
const maxPart = 20_000
const maxUnchanged = 1_000
const keptEnd = 300

/** A section as lines: long unchanged stretches are folded, and changed words marked. Spends from `budget`. */
function blockOf(section: Section, budget: Budget): DifferenceBlock {
  const { kind, title, note, runs } = section
  const block: DifferenceBlock = {
    kind,
    title: cutToCodePoints(title, 120),
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
  const [old, fresh] = shareOut(removed, added, budget.lines)
  const shown = block.lines.length
  const marked = markLines(
    section.before.slice(run.before, run.before + old),
    section.after.slice(run.after, run.after + fresh),
    budget.effort,
  )
  if (marked.coarse) block.coarse = true
  for (const [i, parts] of marked.before.entries()) {
    pushLine(block, budget, { sign: '-', parts, before: run.before + i + 1, after: null })
  }
  for (const [i, parts] of marked.after.entries()) {
    pushLine(block, budget, { sign: '+', parts, before: null, after: run.after + i + 1 })
  }
  block.cutLines += removed + added - (block.lines.length - shown)
}

function pushLine(block: DifferenceBlock, budget: Budget, line: DifferenceLine): void {
  if (budget.lines === 0) return
  const parts = line.parts.flatMap((part, at) => shorten(part, at === 0, at === line.parts.length - 1))
  block.lines.push({ ...line, parts })
  budget.lines--
  budget.characters -= parts.reduce((sum, { text }) => sum + text.length, 0)
  if (budget.characters <= 0) budget.lines = 0
}

function shorten({ text, changed }: LinePart, isFirst: boolean, isLast: boolean): LinePart[] {
  if (text.length <= (changed ? maxPart : maxUnchanged)) return [{ text, changed }]
  const head = changed ? maxPart : isFirst && !isLast ? 0 : keptEnd
  const tail = changed || isLast ? 0 : keptEnd
  const from = splitsPair(text, head) ? head - 1 : head
  const to = splitsPair(text, text.length - tail) ? text.length - tail - 1 : text.length - tail
  const parts: LinePart[] = [{ text: text.slice(0, from), changed, cut: to - from }]
  return tail === 0 ? parts : [...parts, { text: text.slice(to), changed }]
}
