import Link from 'next/link'
import { maxReplayed, type Preview } from '#lib/pipeline/replay/job.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { start } from './actions.ts'

const number = (count: number): string => count.toLocaleString('en')
const changesWord = (count: number): string => (count === 1 ? 'change' : 'changes')

interface Props {
  preview: Preview
  /** The filter, as an address tells it. */
  query: string
  back: string
  /** All that are configured now. */
  targets: string[]
}

export function Question({ preview, query, back, targets }: Props) {
  const { changes } = preview
  if (changes === 0) return <Nothing back={back} words="Nothing matches, so there is nothing to replay." />
  if (changes > maxReplayed) {
    const words = `More than ${number(maxReplayed)} changes match. Narrow them down, by time for example.`
    return <Nothing back={back} words={words} />
  }
  return (
    <form action={start} className="panel mt-5 max-w-3xl overflow-hidden">
      <input type="hidden" name="filter" value={query} />
      <input type="hidden" name="expected" value={changes} />
      <p className="px-5 pt-5 text-[15px]">
        <strong className="font-semibold">
          {number(changes)} {changesWord(changes)}
        </strong>{' '}
        {changes === 1 ? 'matches' : 'match'}.
      </p>
      <Consequences targets={preview.targets} />
      <Modes targets={targets} />
      <div className="flex flex-wrap items-center gap-2 border-t border-line bg-raised/50 px-5 py-4">
        <button type="submit" className="button button-main">
          <Icon name="retry" className="size-3.5" />
          Replay {number(changes)} {changesWord(changes)}
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

const columns = ['Target', 'Posted again', 'Sent', 'Left alone']

/** What a replay as it was comes to at each target. */
function Consequences({ targets }: Pick<Preview, 'targets'>) {
  const again = targets.reduce((sum, target) => sum + target.again, 0)
  if (targets.length === 0)
    return <p className="px-5 pt-2 text-soft">None of their deliveries can be sent again as they were.</p>
  return (
    <>
      {again === 0 ? null : (
        <p className="mx-5 mt-3 flex gap-2 rounded-lg bg-warn-wash px-3 py-2 text-[13px] text-warn">
          <Icon name="alert" className="mt-px size-4" />
          <span>
            {again === 1
              ? 'One delivery arrived already and will be posted a second time.'
              : `${number(again)} deliveries arrived already and will be posted a second time.`}
          </span>
        </p>
      )}
      <table className="mt-4 w-full text-[13px]">
        <caption className="sr-only">What a replay as it was comes to, in deliveries</caption>
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
              <td className="px-2 py-1.5 text-right">{number(row.again)}</td>
              <td className="px-2 py-1.5 text-right">{number(row.first)}</td>
              <td className="px-2 py-1.5 pr-5 text-right text-soft">{number(row.left)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function Modes({ targets }: { targets: string[] }) {
  const today =
    targets.length === 0
      ? 'No target is configured now, so nothing would be sent.'
      : `To whichever of ${targets.join(', ')} the rules of now name, also where it arrived already or never went.`
  return (
    <fieldset className="mt-4 grid gap-3 border-t border-line px-5 py-4">
      <legend className="sr-only">How</legend>
      <Mode value="as-it-was" isFirst title="As it was">
        The same deliveries to the same targets, as in the table. PagerDuty and signed webhooks get the same
        key as before, by which they know what they have.
      </Mode>
      <Mode value="todays-rules" title="With today's rules">
        {today}
      </Mode>
    </fieldset>
  )
}

function Mode(props: { value: string; title: string; isFirst?: boolean; children: React.ReactNode }) {
  const { value, title, isFirst = false, children } = props
  return (
    <label className="flex gap-3">
      <input
        type="radio"
        name="mode"
        value={value}
        defaultChecked={isFirst}
        className="mt-0.5 size-4 shrink-0 accent-[var(--color-accent)]"
      />
      <span>
        <span className="font-medium">{title}</span>
        <span className="mt-0.5 block text-[13px] text-soft">{children}</span>
      </span>
    </label>
  )
}
