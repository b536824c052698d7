import Link from 'next/link'
import type { Db } from '#lib/store/client.ts'
import { countRows } from '#lib/store/views/paged-lists.ts'
import { numberWords } from '../../_ui/quantity-words.ts'

const max = 1000

const tabs = [
  { name: 'changes', word: 'Changes', href: '/' },
  { name: 'events', word: 'Events', href: '/events' },
  { name: 'rejections', word: 'Rejected', href: '/rejected' },
] as const

export async function Tabs({ db, current }: { db: Db; current: (typeof tabs)[number]['name'] }) {
  const counts = await countRows(db, max + 1)
  return (
    <nav aria-label="Lists" className="mb-5 flex gap-6 border-b border-line">
      {tabs.map(({ name, word, href }) => {
        const look = name === current ? 'border-ink text-ink' : 'border-transparent text-soft hover:text-ink'
        return (
          <Link
            key={name}
            href={href}
            prefetch={false}
            aria-current={name === current ? 'page' : undefined}
            className={`-mb-px flex items-baseline gap-1.5 border-b-2 pb-2.5 font-medium ${look}`}
          >
            {word}
            <span className="text-xs font-normal text-faint">
              {numberWords(Math.min(counts[name], max), counts[name] > max)}
            </span>
          </Link>
        )
      })}
    </nav>
  )
}
