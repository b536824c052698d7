import type { Section, Verdict } from './results.ts'
import { type SubjectName, subjectTitles } from './subjects.ts'

const number = (value: number, digits: number): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })

const titleOf = (subject: string): string => subjectTitles[subject as SubjectName] ?? subject

function verdictText({ subject, value, by, isMet, isHard }: Verdict, { unit, digits }: Section): string {
  const shown = { ratio: `× ${number(value, 2)}`, difference: `${number(value, digits)} ${unit} above` }
  const told = by === 'value' ? `${number(value, digits)} ${unit}` : shown[by]
  return `${titleOf(subject)}: ${told}, ${isMet ? 'met' : isHard ? 'NOT MET, fails the run' : 'not met'}`
}

/** The goals of a measure, one line for each goal with what each subject came to. */
const goalLines = (section: Section): string[] =>
  [...Map.groupBy(section.verdicts, ({ text }) => text)].map(
    ([text, verdicts]) => `goal, ${text}: ${verdicts.map((one) => verdictText(one, section)).join('; ')}`,
  )

/** Markdown, as it stands in `docs/performance.md`. */
export function asMarkdown(sections: Section[]): string {
  return sections
    .map((section) => {
      const { title, unit, digits, lines } = section
      const hasRatio = lines.some(({ ratio }) => ratio !== null)
      const head = ['', `median, ${unit}`, 'min–max', ...(hasRatio ? ['× empty'] : [])]
      const rows = lines.map(({ subject, median, min, max, ratio }) => [
        titleOf(subject),
        number(median, digits),
        `${number(min, digits)}–${number(max, digits)}`,
        ...(hasRatio ? [ratio === null ? '' : number(ratio, 2)] : []),
      ])
      const goals = goalLines(section).map((line) => `- ${line}`)
      return [`### ${title}`, '', ...table([head, ...rows]), '', ...goals].join('\n').trimEnd()
    })
    .join('\n\n')
}

/** Columns of equal width: the first to the left, numbers to the right. */
function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(4, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  const [head = [], ...body] = rows
  return [line(head), rule, ...body.map(line)]
}
