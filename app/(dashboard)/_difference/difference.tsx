import { visibleText } from '#lib/base/visible.ts'
import type { DifferenceSummary } from '#lib/core/change/change.ts'
import type { VersionDifference } from '#lib/core/difference/difference.ts'
import { Chip } from '../../_ui/badge.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { countWords } from '../../_ui/quantity-words.ts'
import { Labels } from '../_words/labels.tsx'
import { DifferenceBox, DifferenceLines, type DifferenceView, Line } from './difference-lines.tsx'

interface Props {
  difference: VersionDifference
  /** Null: unknown, or not what this is about. */
  labels: { before: string[]; after: string[] } | null
  view: DifferenceView
}

/** Labels, text, variables and config of two versions, before and after. */
export function Difference({ difference, labels, view }: Props) {
  const { summary, text } = difference
  const { lines, config } = summary
  const isSame = config.length === 0 && (text ? text.blocks.length === 0 : lines.length === 0)
  return (
    <div className="panel divide-y divide-line overflow-hidden">
      {labels === null || isSameSet(labels.before, labels.after) ? null : (
        <p className="flex flex-wrap items-center gap-1.5 px-4 py-2.5 text-[13px] text-soft">
          <span className="mr-1">Labels</span> <Labels {...labels} />
        </p>
      )}
      {isSame ? <p className="p-4 text-soft">Text and config are the same.</p> : null}
      {text && text.blocks.length > 0 ? <DifferenceLines text={text} view={view} /> : null}
      {text || lines.length === 0 ? null : <StoredLines summary={summary} />}
      <Variables summary={summary} />
      <Config summary={summary} />
      <Sizes difference={difference} />
    </div>
  )
}

const isSameSet = (before: string[], after: string[]): boolean =>
  before.length === after.length && after.every((label) => before.includes(label))

/** The excerpt stored with the change, for when a text is no longer known. */
function StoredLines({ summary: { lines, cutLines } }: { summary: DifferenceSummary }) {
  let place = 0
  return (
    <DifferenceBox>
      {lines.map(({ sign, text }) => {
        place += 1
        return <Line key={place} sign={sign} parts={[{ text, changed: sign !== ' ' }]} numbers={[]} />
      })}
      {cutLines === 0 ? null : <p className="diff-fold">… {countWords(cutLines, 'more line')}</p>}
    </DifferenceBox>
  )
}

function Variables({ summary }: { summary: DifferenceSummary }) {
  const { variablesAdded, variablesRemoved, cutVariables = 0 } = summary
  if (variablesAdded.length + variablesRemoved.length === 0) return null
  return (
    <p className="flex flex-wrap items-center gap-1.5 px-4 py-2.5 text-[13px] text-soft">
      <span className="mr-1">Variables</span>
      {variablesAdded.map((name) => (
        <Chip key={`+${name}`} tone="good" words={`+ ${visibleText(name)}`} />
      ))}
      {variablesRemoved.map((name) => (
        <Chip key={`-${name}`} tone="bad" words={`− ${visibleText(name)}`} />
      ))}
      {cutVariables === 0 ? null : <span className="text-xs">and {cutVariables} more</span>}
    </p>
  )
}

function Config({ summary: { config, cutConfig = 0 } }: { summary: DifferenceSummary }) {
  if (config.length === 0) return null
  return (
    <div className="flex flex-wrap gap-x-3 gap-y-1.5 px-4 py-2.5 text-[13px]">
      <span className="text-soft">Config</span>
      <dl className="grid min-w-0 flex-1 basis-64 gap-1 font-mono text-xs leading-5">
        {config.map(({ key, before, after }) => (
          <div key={key} className="flex flex-wrap gap-x-3">
            <dt className="text-soft [overflow-wrap:anywhere]">
              <Plain text={key} />
            </dt>
            <dd className="min-w-0 [overflow-wrap:anywhere]">
              {before === null ? <span className="text-soft">added </span> : null}
              {after === null ? <span className="text-soft">removed </span> : null}
              <Value text={before} tone="bad" />
              {before === null || after === null ? null : ' → '}
              <Value text={after} tone="good" />
            </dd>
          </div>
        ))}
        {cutConfig === 0 ? null : (
          <div className="text-soft">
            <dt className="sr-only">More keys</dt>
            <dd>and {cutConfig.toLocaleString('en')} more</dd>
          </div>
        )}
      </dl>
    </div>
  )
}

function Value({ text, tone }: { text: string | null; tone: 'good' | 'bad' }) {
  if (text === null) return null
  const Mark = tone === 'good' ? 'ins' : 'del'
  return (
    <Mark className={tone === 'good' ? 'text-good no-underline' : 'text-bad'}>
      <Plain text={text} />
    </Mark>
  )
}

function Sizes({ difference: { summary, text } }: Pick<Props, 'difference'>) {
  const notes = [
    `${summary.sizeBefore.toLocaleString('en')} → ${summary.sizeAfter.toLocaleString('en')} characters`,
    text && text.cutLines > 0 ? `${countWords(text.cutLines, 'changed line')} not shown` : null,
    (text ? text.coarse : summary.coarse)
      ? 'too large or too different for a precise comparison, so unchanged text may be marked as well'
      : null,
  ]
  return <p className="px-4 py-2 text-xs text-faint">{notes.filter((note) => note !== null).join('; ')}</p>
}
