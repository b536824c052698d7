import Link from 'next/link'
import type { DifferenceView } from './difference-lines.tsx'

/** `hrefOf`: the address of this page with the other view. Hidden below 640 px, where two columns do not fit. */
export function ViewSwitch(props: { view: DifferenceView; hrefOf: (view: DifferenceView) => string }) {
  const { view, hrefOf } = props
  const views: [DifferenceView, string][] = [
    ['unified', 'Unified'],
    ['split', 'Side by side'],
  ]
  return (
    <nav
      aria-label="View of the difference"
      className="-my-[3px] hidden gap-0.5 rounded-lg border border-line bg-raised p-0.5 text-xs font-medium sm:flex"
    >
      {views.map(([name, words]) => (
        <Link
          key={name}
          href={hrefOf(name)}
          prefetch={false}
          scroll={false}
          aria-current={name === view ? 'true' : undefined}
          className={`rounded-md px-2 py-0.5 ${name === view ? 'bg-panel text-ink shadow-xs' : 'text-soft hover:text-ink'}`}
        >
          {words}
        </Link>
      ))}
    </nav>
  )
}
