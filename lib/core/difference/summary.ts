import type { DifferenceSummary } from '../change/change.ts'
import type { Run } from './align.ts'
import { shareOut } from './block.ts'
import type { Section } from './sections.ts'
import { cut, cutAround } from './text.ts'

type Lines = Pick<DifferenceSummary, 'lines' | 'cutLines'>
type Sign = Lines['lines'][number]['sign']

const maxLines = 40
const maxWidth = 300

/** Where the first `maxLines` go; every changed line after them is counted. */
interface Page extends Lines {
  isFull: () => boolean
}

/**
 * Changed lines with one line of context, at most 40 of 300 code points; `cutLines` counts the changed ones
 * left out. `hasTitles`: each section begins with `[title]`. `…` alone stands for unchanged lines between
 * two places.
 */
export function summaryLines(sections: readonly Section[], hasTitles: boolean): Lines {
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
  if (!page.isFull()) page.lines.push({ sign, text: cut(text, maxWidth) })
  else if (sign !== ' ') page.cutLines++
}

function pushTitle(page: Page, { kind, title }: Section): void {
  push(page, kind === 'added' ? '+' : kind === 'removed' ? '-' : ' ', `[${cut(title, 100)}]`)
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
