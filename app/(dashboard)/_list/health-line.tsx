import Link from 'next/link'
import type { Db } from '#lib/store/client.ts'
import { readHealth } from '#lib/store/views/health-line.ts'
import { type HealthItem, type HealthSetting, healthItems } from './health-words.ts'
import { OpenFailureList } from './open-failure-list.tsx'

const dots = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', quiet: 'bg-edge' }
const words = { good: 'text-ink', warn: 'text-warn', bad: 'text-bad', quiet: 'text-soft' }

interface Props {
  db: Db
  setting: HealthSetting
  /** The names of the targets that are configured. */
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

function Item({ name, words: said, why, tone, href }: HealthItem) {
  return (
    <div title={why} className="min-w-0">
      <dt className="text-xs text-faint">{name}</dt>
      <dd className={`mt-0.5 flex items-baseline gap-1.5 text-[13px] font-medium ${words[tone]}`}>
        <span
          aria-hidden="true"
          className={`size-1.5 shrink-0 -translate-y-0.5 rounded-full ${dots[tone]}`}
        />
        {href === null ? (
          said
        ) : (
          <Link href={href} prefetch={false} className="underline decoration-1 underline-offset-3">
            {said}
          </Link>
        )}
      </dd>
    </div>
  )
}
