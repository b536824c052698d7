import Link from 'next/link'
import { visibleText } from '#lib/base/visible.ts'
import type { VersionDifference } from '#lib/core/difference/difference.ts'
import type { ShownVersion } from '#lib/store/views/prompt-page.ts'
import { Difference } from '../../_difference/difference.tsx'
import type { DifferenceView } from '../../_difference/difference-lines.tsx'
import { ViewSwitch } from '../../_difference/view-switch.tsx'
import type { PromptQuery } from '../../_words/prompt-path.ts'
import type { Pair } from './versions-of.ts'

/** A longer list would be unusable; the table of versions links to the others. */
const maxOptions = 500
const maxLabels = 60

interface Props {
  versions: ShownVersion[]
  pair: Pair
  difference: VersionDifference | null
  view: DifferenceView
  /** The address of the page, without its query. */
  path: string
  /** The part of the query that names the prompt. */
  kept: Pick<PromptQuery, 'name' | 'project'>
  hrefOf: (query: Pick<PromptQuery, 'from' | 'to' | 'view'>) => string
}

/** Compares any two versions, with a form that needs no JavaScript. */
export function Compare({ versions, pair, difference, view, path, kept, hrefOf }: Props) {
  const { from, to } = pair
  const labelsOf = (number: number) => versions.find(({ version }) => version === number)?.labels ?? []
  const hidden = Object.entries({ ...kept, view: view === 'split' ? view : undefined })
  const known = versions.filter(({ size }) => size !== null)
  return (
    <section aria-labelledby="difference">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id="difference" className="font-semibold">
          Difference
        </h2>
        {difference ? (
          <ViewSwitch
            view={view}
            hrefOf={(name) =>
              `${hrefOf({ from, to, view: name === 'split' ? 'split' : undefined })}#difference`
            }
          />
        ) : null}
      </div>
      {/* The key: a select keeps its value when only its default changes. */}
      <form
        key={`${from} ${to}`}
        method="get"
        action={`${path}#difference`}
        className="mb-3 flex flex-wrap items-center gap-2 text-[13px] text-soft"
      >
        {hidden.map(([name, value]) =>
          value === undefined ? null : <input key={name} type="hidden" name={name} value={value} />,
        )}
        <Choice name="from" word="From" versions={known} chosen={from} />
        <Choice name="to" word="to" versions={known} chosen={to} />
        <button type="submit" className="button">
          Compare
        </button>
        {from === to ? null : (
          <Link href={`${hrefOf({ from: to, to: from })}#difference`} prefetch={false} className="link ml-1">
            Swap
          </Link>
        )}
      </form>
      {difference ? (
        <Difference
          difference={difference}
          labels={{ before: labelsOf(from), after: labelsOf(to) }}
          view={view}
        />
      ) : (
        <p className="panel p-4 text-soft">
          {known.length === 1 ? 'The text of only one version is known.' : 'Both are the same version.'}
        </p>
      )}
    </section>
  )
}

function Choice(props: { name: string; word: string; versions: ShownVersion[]; chosen: number }) {
  const { name, word, versions, chosen } = props
  const listed = versions.slice(0, maxOptions)
  const missing = listed.some(({ version }) => version === chosen)
    ? []
    : versions.filter(({ version }) => version === chosen)
  return (
    <label className="flex min-w-0 items-center gap-2">
      {word}
      <select
        name={name}
        defaultValue={chosen}
        className="h-8 max-w-56 min-w-0 rounded-[7px] border border-edge bg-panel px-2 text-ink"
      >
        {[...listed, ...missing].map(({ version, labels, deleted }) => (
          <option key={version} value={version}>
            {optionWords(version, deleted ? ['deleted'] : labels)}
          </option>
        ))}
      </select>
    </label>
  )
}

function optionWords(version: number, words: string[]): string {
  const text = visibleText(words.join(', '))
  const shown = text.length > maxLabels ? `${text.slice(0, maxLabels)}…` : text
  return shown === '' ? `v${version}` : `v${version} · ${shown}`
}
