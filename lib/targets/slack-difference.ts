import type { DifferenceSummary } from '../change.ts'

type Escape = (text: string) => string

/** Three backticks would end the block that they stand in. */
const fenced = (text: string): string => text.replaceAll('```', '`\u2060``')

const names = (title: string, list: readonly string[]): string[] =>
  list.length > 0 ? [`${title} ${list.map((name) => `{{${name}}}`).join(', ')}`] : []

const more = (count: number, what: string): string => `… ${count} more ${what}${count === 1 ? '' : 's'}`

/**
 * A difference as a code block (added and removed lines, cut at a line, `room` characters at most) and notes
 * (variables, config), the notes not yet escaped. `code` is null where the texts are equal.
 */
export function differenceLines(
  difference: DifferenceSummary,
  page: string | null,
  room: number,
  escaped: Escape,
): { code: string | null; notes: string[] } {
  const all = difference.lines.map(({ sign, text }) => escaped(fenced(`${sign} ${text}`)))
  const kept: string[] = []
  let size = 0
  for (const line of all) {
    if (size + line.length + 1 > room - 400) break
    kept.push(line)
    size += line.length + 1
  }
  const left = all.length - kept.length + difference.cutLines
  const link = page === null ? '' : ` <${page}|See all>`
  const rest = left > 0 ? `\n${more(left, 'line')}${link}` : ''
  const { fromVersion, toVersion } = difference
  const title = `*v${fromVersion} → v${toVersion}*${difference.coarse ? ' (only roughly compared: the texts are large)' : ''}`
  const code =
    kept.length > 0 ? `${title}\n\`\`\`\n${kept.join('\n')}\n\`\`\`${rest}` : rest && `${title}${rest}`
  return { code: code || null, notes: notesOf(difference) }
}

function notesOf(difference: DifferenceSummary): string[] {
  const { variablesAdded, variablesRemoved, cutVariables = 0, config, cutConfig = 0 } = difference
  const variables = [
    ...names('Variables added:', variablesAdded.slice(0, 5)),
    ...names('Variables removed:', variablesRemoved.slice(0, 5)),
  ]
  const hidden =
    cutVariables + Math.max(0, variablesAdded.length - 5) + Math.max(0, variablesRemoved.length - 5)
  if (hidden > 0) variables.push(more(hidden, 'variable'))
  const keys = config
    .slice(0, 5)
    .map(({ key, before, after }) => `Config ${key}: ${before ?? 'unset'} → ${after ?? 'unset'}`)
  const hiddenKeys = cutConfig + Math.max(0, config.length - 5)
  if (hiddenKeys > 0) keys.push(more(hiddenKeys, 'config key'))
  return [variables, keys].filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
}
