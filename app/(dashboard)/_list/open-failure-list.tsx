import Link from 'next/link'
import type { OpenFailures } from '#lib/store/views/open-failures.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { When } from '../../_ui/when.tsx'
import { dismissOpenFailures, replayOpenFailures } from './failure-actions.ts'

interface Props {
  failures: OpenFailures[]
  /** The names of the targets that are configured: to another one nothing can be replayed. */
  targets: readonly string[]
  now: number
}

/** What was given up, why, and what to do about it, until somebody has done it. */
export function OpenFailureList({ failures, targets, now }: Props) {
  if (failures.length === 0) return null
  return (
    <ul aria-label="Open failures" className="divide-y divide-line border-t border-line">
      {failures.map((one) => (
        <Failures key={one.target} failures={one} isConfigured={targets.includes(one.target)} now={now} />
      ))}
    </ul>
  )
}

function Failures(props: { failures: OpenFailures; isConfigured: boolean; now: number }) {
  const { failures, isConfigured, now } = props
  const { target, reason, changeId, lastAt } = failures
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5 text-[13px]">
      <p className="min-w-0 flex-1 basis-60 [overflow-wrap:anywhere]">
        <Link
          href={`/changes/${changeId}#deliveries`}
          prefetch={false}
          className="underline decoration-1 underline-offset-3"
        >
          {target}
        </Link>
        {', '}
        <When at={lastAt} now={now} />
        {': '}
        <span className="text-soft">
          <Plain text={reason ?? 'no reason was kept'} />
        </span>
      </p>
      <div className="flex gap-2">
        {isConfigured ? (
          <Act failures={failures} action={replayOpenFailures} word="Replay" icon="retry" />
        ) : null}
        <Act failures={failures} action={dismissOpenFailures} word="Dismiss" icon="cross" />
      </div>
    </li>
  )
}

function Act(props: {
  failures: OpenFailures
  action: (form: FormData) => Promise<void>
  word: 'Replay' | 'Dismiss'
  icon: 'retry' | 'cross'
}) {
  const { failures, action, word, icon } = props
  const { target, count, lastAt } = failures
  return (
    <form action={action}>
      <input type="hidden" name="target" value={target} />
      <input type="hidden" name="until" value={lastAt} />
      <button type="submit" className="button">
        <Icon name={icon} className="size-3.5" />
        {word}
        <span className="sr-only">
          {' '}
          {count === 1 ? 'the delivery' : 'the deliveries'} to {target} that {count === 1 ? 'was' : 'were'}{' '}
          given up
        </span>
      </button>
    </form>
  )
}
