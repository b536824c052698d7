import Link from 'next/link'
import type { Db } from '#lib/store/client.ts'
import { readHealth } from '#lib/store/views/health.ts'
import type { OpenFailures } from '#lib/store/views/open-failures.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { When } from '../../_ui/when.tsx'
import { dismissOpenFailures, replayOpenFailures } from './failure-actions.ts'
import { type HealthItem, type HealthSetting, healthItems } from './health-words.ts'

const dots = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', quiet: 'bg-edge' }
const words = { good: 'text-ink', warn: 'text-warn', bad: 'text-bad', quiet: 'text-soft' }

interface Props {
  db: Db
  setting: HealthSetting
  /** Names of the configured targets: nothing can be replayed to others. */
  targets: readonly string[]
  now: number
}

export async function HealthLine({ db, setting, targets, now }: Props) {
  const health = await readHealth(db, now)
  return (
    <div className="flex min-w-0 flex-col justify-center">
      <dl aria-label="Health" className="flex flex-wrap gap-x-8 gap-y-3 px-4 py-3">
        {healthItems(health, setting, now).map((item) => (
          <Item key={`${item.name} ${item.words}`} {...item} />
        ))}
      </dl>
      <OpenFailureList failures={health.openFailures} targets={targets} now={now} />
    </div>
  )
}

function Item({ name, words: text, why, tone, href }: HealthItem) {
  return (
    <div title={why} className="min-w-0">
      <dt className="text-xs text-faint">{name}</dt>
      <dd className={`mt-0.5 flex items-baseline gap-1.5 text-[13px] font-medium ${words[tone]}`}>
        <span
          aria-hidden="true"
          className={`size-1.5 shrink-0 -translate-y-0.5 rounded-full ${dots[tone]}`}
        />
        {href === null ? (
          text
        ) : (
          <Link href={href} prefetch={false} className="underline decoration-1 underline-offset-3">
            {text}
          </Link>
        )}
      </dd>
    </div>
  )
}

/** Deliveries that were given up, until someone replays or dismisses them. */
function OpenFailureList(props: { failures: OpenFailures[] } & Pick<Props, 'targets' | 'now'>) {
  const { failures, targets, now } = props
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
          <Plain text={reason ?? 'no reason was stored'} />
        </span>
      </p>
      <div className="flex gap-2">
        {isConfigured ? (
          <FailureForm failures={failures} action={replayOpenFailures} word="Replay" icon="retry" />
        ) : null}
        <FailureForm failures={failures} action={dismissOpenFailures} word="Dismiss" icon="cross" />
      </div>
    </li>
  )
}

function FailureForm(props: {
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
