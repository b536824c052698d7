import type { DifferenceSummary } from '../change/change.ts'
import { fullEffort, type Run } from './align.ts'
import { diffConfig } from './config.ts'
import { cutAround, cutToCodePoints, shapeOf, textSize, variablesOf } from './prompt-text.ts'
import { type Section, sectionsOf } from './sections.ts'

interface VersionText {
  version: number
  text: unknown
  config: unknown
}

const maxVariables = 30

/**
 * The difference of two versions, small enough for a message: at most 40 lines of 300 code points, with one line of
 * context. In a chat prompt, a line `[role]` precedes each message. `…` stands for unchanged lines between two changes. Long
 * lines are cut around the first place where they differ from their counterpart. Never throws; time and size are bounded.
 */
export function summarise(before: VersionText, after: VersionText): DifferenceSummary {
  const sections = sectionsOf(before.text, after.text, fullEffort())
  const isPlain = sections.length === 1 && shapeOf(after.text) !== 'chat'
  const [was, is] = [variablesOf(before.text), variablesOf(after.text)].map((names) => new Set(names))
  const added = [...(is ?? [])].filter((name) => !was?.has(name))
  const removed = [...(was ?? [])].filter((name) => !is?.has(name))
  const config = diffConfig(before.config, after.config)
  return {
    fromVersion: before.version,
    toVersion: after.version,
    ...summaryLines(sections, !isPlain),
    variablesAdded: added.slice(0, maxVariables).map((name) => cutToCodePoints(name, 100)),
    variablesRemoved: removed.slice(0, maxVariables).map((name) => cutToCodePoints(name, 100)),
    cutVariables: Math.max(0, added.length - maxVariables) + Math.max(0, removed.length - maxVariables),
    config: config.changes,
    cutConfig: config.more,
    sizeBefore: textSize(before.text),
    sizeAfter: textSize(after.text),
    coarse: sections.some(({ coarse }) => coarse),
  }
}

type Lines = Pick<DifferenceSummary, 'lines' | 'cutLines'>
type Sign = Lines['lines'][number]['sign']

const maxLines = 40
const maxWidth = 300

/** Takes the first 40 lines; changed ones after them are only counted. */
interface Page extends Lines {
  isFull: () => boolean
}

/** `hasTitles`: each section begins with `[title]`. */
function summaryLines(sections: readonly Section[], hasTitles: boolean): Lines {
  const page: Page = { lines: [], cutLines: 0, isFull: () => page.lines.length >= maxLines }
  for (const section of sections) {
    if (section.kind === 'same') continue
    if (hasTitles) pushTitle(page, section)
    if (section.note) push(page, ' ', section.note)
    for (const [at, run] of section.runs.entries()) {
      if (run.same) pushContext(page, section, run, at)
      else pushChanged(page, section, run)
    }
  }
  return { lines: page.lines, cutLines: page.cutLines }
}

function push(page: Page, sign: Sign, text: string): void {
  if (!page.isFull()) page.lines.push({ sign, text: cutToCodePoints(text, maxWidth) })
  else if (sign !== ' ') page.cutLines++
}

function pushTitle(page: Page, { kind, title }: Section): void {
  push(page, kind === 'added' ? '+' : kind === 'removed' ? '-' : ' ', `[${cutToCodePoints(title, 100)}]`)
}

function pushContext(page: Page, { before, runs }: Section, run: Run, at: number): void {
  const [first, last] = [run.before, run.beforeEnd - 1]
  const hasLead = at > 0
  const hasTrail = at < runs.length - 1
  if (hasLead) push(page, ' ', before[first] ?? '')
  if (hasLead && hasTrail && last - first > 1) push(page, ' ', '…')
  if (hasTrail && (last > first || !hasLead)) push(page, ' ', before[last] ?? '')
}

function pushChanged(page: Page, { before, after }: Section, run: Run): void {
  const [removed, added] = [run.beforeEnd - run.before, run.afterEnd - run.after]
  const [old, fresh] = shareOut(removed, added, maxLines - page.lines.length)
  const line = (i: number): string => before[run.before + i] ?? ''
  const other = (i: number): string => after[run.after + i] ?? ''
  for (let i = 0; i < old; i++) push(page, '-', cutAround(line(i), i < added ? other(i) : '', maxWidth))
  for (let i = 0; i < fresh; i++) push(page, '+', cutAround(other(i), i < removed ? line(i) : '', maxWidth))
  page.cutLines += removed + added - old - fresh
}

/** How many of the removed and added lines fit into `left`: half of it for each side, unless one needs less. */
export function shareOut(removed: number, added: number, left: number): [removed: number, added: number] {
  const half = Math.floor(left / 2)
  const old = Math.min(removed, Math.max(left - half, left - added))
  return [old, Math.min(added, left - old)]
}
