import Link from 'next/link'
import type { Routes } from '#lib/core/rules/rules.ts'
import type { Target } from '#lib/core/rules/target-settings.ts'
import { maxReplayed, type Preview } from '#lib/pipeline/replay/bulk-replay.ts'
import { replayNoteOf } from '#lib/targets/target.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { countWords, numberWords } from '../../_ui/quantity-words.ts'
import { start } from './actions.ts'
import { ReplayMode } from './replay-mode.tsx'

interface Props {
  preview: Preview
  /** The filter, as a query string. */
  query: string
  back: string
  /** All that are configured. */
  targets: Routes['targets']
}

export function Question({ preview, query, back, targets }: Props) {
  const { changes } = preview
  if (changes === 0) return <Nothing back={back} words="No change matches, so there is nothing to replay." />
  if (changes > maxReplayed) {
    const words = `More than ${numberWords(maxReplayed)} changes match. Narrow the filter down, for example by time.`
    return <Nothing back={back} words={words} />
  }
  return (
    <form action={start} className="panel mt-5 max-w-3xl overflow-hidden">
      <input type="hidden" name="filter" value={query} />
      <input type="hidden" name="expected" value={changes} />
      <p className="px-5 pt-5 text-[15px]">
        <strong className="font-semibold">{countWords(changes, 'change')}</strong>{' '}
        {changes === 1 ? 'matches' : 'match'}.
      </p>
      <Consequences targets={preview.targets} />
      <Modes targets={targets} repeats={preview.targets.filter(({ again }) => again > 0)} />
      <div className="flex flex-wrap items-center gap-2 border-t border-line bg-raised/50 px-5 py-4">
        <button type="submit" className="button button-main">
          <Icon name="retry" className="size-3.5" />
          Replay {countWords(changes, 'change')}
        </button>
        <Link href={back} prefetch={false} className="button">
          Back to the list
        </Link>
      </div>
    </form>
  )
}

function Nothing({ words, back }: { words: string; back: string }) {
  return (
    <div className="panel mt-5 max-w-3xl p-5">
      <p>{words}</p>
      <Link href={back} prefetch={false} className="button mt-4">
        Back to the list
      </Link>
    </div>
  )
}

const columns = ['Target', 'Posted again', 'Sent', 'Unchanged']

/** What a replay to the original targets would send to each. */
function Consequences({ targets }: Pick<Preview, 'targets'>) {
  const again = targets.reduce((sum, target) => sum + target.again, 0)
  if (targets.length === 0)
    return <p className="px-5 pt-2 text-soft">None of their deliveries can be sent again as before.</p>
  return (
    <>
      {again === 0 ? null : (
        <p className="mx-5 mt-3 flex gap-2 rounded-lg bg-warn-wash px-3 py-2 text-[13px] text-warn">
          <Icon name="alert" className="mt-px size-4" />
          <span>
            {countWords(again, 'delivery has', { many: 'deliveries have' })} already arrived and will be
            posted a second time.
          </span>
        </p>
      )}
      <table className="mt-4 w-full text-[13px]">
        <caption className="sr-only">Deliveries that a replay as before would send</caption>
        <thead>
          <tr>
            {columns.map((name, i) => (
              <th
                key={name}
                scope="col"
                className={`border-b border-line px-2 py-1.5 text-xs font-medium text-soft first:pl-5 last:pr-5 ${i === 0 ? 'text-left' : 'text-right'}`}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {targets.map((row) => (
            <tr key={row.target}>
              <th scope="row" className="px-2 py-1.5 pl-5 text-left font-medium [overflow-wrap:anywhere]">
                <Plain text={row.target} />
              </th>
              <td className="px-2 py-1.5 text-right">{numberWords(row.again)}</td>
              <td className="px-2 py-1.5 text-right">{numberWords(row.first)}</td>
              <td className="px-2 py-1.5 pr-5 text-right text-soft">{numberWords(row.left)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function Modes({ targets, repeats }: Pick<Props, 'targets'> & { repeats: Preview['targets'] }) {
  const names = Object.keys(targets)
  const current =
    names.length === 0
      ? 'No target is configured, so nothing would be sent.'
      : `To whichever of ${names.join(', ')} the current rules choose, even if they already got the change or it was never routed to them.`
  return (
    <fieldset className="mt-4 grid gap-3 border-t border-line px-5 py-4">
      <legend className="sr-only">How</legend>
      <ReplayMode mode="as-it-was">
        The same deliveries to the same targets, as in the table.
        {repeats.map(({ target }) => (
          <RepeatNote key={target} name={target} target={targets[target]} />
        ))}
      </ReplayMode>
      <ReplayMode mode="todays-rules">{current}</ReplayMode>
    </fieldset>
  )
}

/** What a second message causes at this target, where that is more than itself. */
function RepeatNote({ name, target }: { name: string; target: Target | undefined }) {
  const note = target ? replayNoteOf(target) : null
  if (note === null) return null
  return (
    <span className="mt-1 block">
      <Plain text={`${name}: ${note}`} />
    </span>
  )
}
