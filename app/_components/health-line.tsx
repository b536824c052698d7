import Link from 'next/link'
import type { Db } from '#lib/db/client.ts'
import { readHealth } from '#lib/db/health-line.ts'
import { type HealthItem, healthItems } from './health-words.ts'

const dots = { good: 'bg-good', warn: 'bg-warn', bad: 'bg-bad', quiet: 'bg-edge' }
const words = { good: 'text-ink', warn: 'text-warn', bad: 'text-bad', quiet: 'text-soft' }

export async function HealthLine({ db, now }: { db: Db; now: number }) {
  const items = healthItems(await readHealth(db, now), now)
  return (
    <dl aria-label="Health" className="flex flex-wrap content-center gap-x-8 gap-y-3 px-4 py-3">
      {items.map((item) => (
        <Item key={item.name} {...item} />
      ))}
    </dl>
  )
}

function Item({ name, words: said, why, tone, href }: HealthItem) {
  return (
    <div title={why}>
      <dt className="text-xs text-faint">{name}</dt>
      <dd className={`mt-0.5 flex items-center gap-1.5 text-[13px] font-medium ${words[tone]}`}>
        <span aria-hidden="true" className={`size-1.5 shrink-0 rounded-full ${dots[tone]}`} />
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
