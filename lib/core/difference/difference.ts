import type { DifferenceSummary } from '../change/change.ts'
import { type Budget, blockOf, type DifferenceBlock } from './block.ts'
import { diffConfig } from './config.ts'
import { type Section, sectionsOf } from './sections.ts'
import { summaryLines } from './summary.ts'
import { cut, type PromptShape, shapeOf, textSize, variablesOf } from './text.ts'

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
  const sections = sectionsOf(before, after)
  const none = { shapes, blocks: [], cutLines: 0, cutBlocks: 0, coarse: false }
  if (sections.every(({ kind }) => kind === 'same')) return none
  const budget: Budget = { lines: 2_000, characters: 400_000, marked: 250_000 }
  const all = foldSame(sections)
  const blocks = all
    .slice(0, maxBlocks)
    .map((entry) => ('fold' in entry ? entry.fold : blockOf(entry, budget)))
  const cutLines = blocks.reduce((sum, block) => sum + block.cutLines, 0)
  const coarse = sections.some((section) => section.coarse) || blocks.some((block) => block.coarse)
  return { shapes, blocks, cutLines, cutBlocks: all.length - blocks.length, coarse }
}

/** Long runs of unchanged messages become one block; the ones next to a change stay. */
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

interface VersionText {
  version: number
  text: unknown
  config: unknown
}

const maxVariables = 30

/**
 * The difference of two versions, small enough for a message: at most 40 lines of 300 code points, with one
 * line of context. Messages of a chat prompt have a line `[role]` before theirs; `…` stands for unchanged
 * lines between two places. Long lines are cut around the first place where they differ from their
 * counterpart. Never throws; time and size are bounded.
 */
export function summarise(before: VersionText, after: VersionText): DifferenceSummary {
  const sections = sectionsOf(before.text, after.text)
  const isPlain = sections.length === 1 && shapeOf(after.text) !== 'chat'
  const [was, is] = [variablesOf(before.text), variablesOf(after.text)].map((names) => new Set(names))
  const added = [...(is ?? [])].filter((name) => !was?.has(name))
  const removed = [...(was ?? [])].filter((name) => !is?.has(name))
  const config = diffConfig(before.config, after.config)
  return {
    fromVersion: before.version,
    toVersion: after.version,
    ...summaryLines(sections, !isPlain),
    variablesAdded: added.slice(0, maxVariables).map((name) => cut(name, 100)),
    variablesRemoved: removed.slice(0, maxVariables).map((name) => cut(name, 100)),
    cutVariables: Math.max(0, added.length - maxVariables) + Math.max(0, removed.length - maxVariables),
    config: config.changes,
    cutConfig: config.more,
    sizeBefore: textSize(before.text),
    sizeAfter: textSize(after.text),
    coarse: sections.some(({ coarse }) => coarse),
  }
}
