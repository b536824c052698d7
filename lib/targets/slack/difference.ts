import type { DifferenceSummary } from '../../core/change/change.ts'
import { webUrl } from '../text.ts'
import { escaped, link, named } from './text.ts'

const more = (count: number, what: string): string => `… ${count} more ${what}${count === 1 ? '' : 's'}`

/**
 * The changed lines as a code block under the two versions, cut at a line, `room` characters at most; then how
 * many changed lines are left, with a link to the page. Null where no line changed.
 */
export function differenceCode(
  difference: DifferenceSummary,
  page: string | null,
  room: number,
): string | null {
  const { fromVersion, toVersion, coarse, lines, cutLines } = difference
  if (lines.length + cutLines === 0) return null
  const title = `*v${fromVersion} → v${toVersion}*${coarse ? ' (only roughly compared: the texts are large)' : ''}`
  const url = webUrl(page, room / 2)
  const all = url === null ? [] : [link(url, 'See all')]
  const kept: string[] = []
  let left = room - title.length - (all[0]?.length ?? 0) - 40
  for (const { sign, text } of lines) {
    const line = escaped(`${sign} ${text}`)
    left -= line.length + 1
    if (left < 0) break
    kept.push(line)
  }
  const rest = lines.slice(kept.length).filter(({ sign }) => sign !== ' ').length + cutLines
  const block = kept.length > 0 ? [`\`\`\`\n${kept.join('\n')}\n\`\`\``] : []
  const tail = rest > 0 ? [[more(rest, 'line'), ...all].join(' ')] : []
  return [title, ...block, ...tail].join('\n')
}

const maxShown = 5

/** A placeholder of a chat prompt has no braces. */
const variable = (name: string): string =>
  name.startsWith('placeholder:') ? `placeholder ${name.slice('placeholder:'.length)}` : `{{${name}}}`

/** Variables that changed, and config keys, a line each, ready for Slack. */
export function differenceNotes(difference: DifferenceSummary): string[] {
  const { variablesAdded, variablesRemoved, cutVariables = 0, config, cutConfig = 0 } = difference
  const names = (title: string, list: readonly string[]): string[] => {
    const shown = list.slice(0, maxShown).map((name) => named(variable(name), 80))
    return shown.length > 0 ? [`*${title}* ${shown.join(', ')}`] : []
  }
  const over = (list: readonly unknown[]): number => Math.max(0, list.length - maxShown)
  const hidden = cutVariables + over(variablesAdded) + over(variablesRemoved)
  const hiddenKeys = cutConfig + over(config)
  const value = (json: string | null): string => (json === null ? 'not set' : named(json, 120))
  const variables = [
    ...names('Variables added', variablesAdded),
    ...names('Variables removed', variablesRemoved),
    ...(hidden > 0 ? [more(hidden, 'variable')] : []),
  ]
  const keys = [
    ...config
      .slice(0, maxShown)
      .map(({ key, before, after }) => `*Config* ${named(key, 80)}: ${value(before)} → ${value(after)}`),
    ...(hiddenKeys > 0 ? [more(hiddenKeys, 'config key')] : []),
  ]
  return [variables, keys].filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
}
