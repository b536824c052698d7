import Link from 'next/link'
import type { Change } from '#lib/core/change/change.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { interpretAgain } from './change-actions.ts'

/** What can be done about a change that could not be described, or what was. */
export function Undescribed({ change: { id, kind, detail } }: { change: Change }) {
  if (kind !== 'undescribed') return null
  const { reinterpretedAs } = detail
  if (reinterpretedAs !== undefined)
    return (
      <p>
        Its events were interpreted again, as{' '}
        <Link href={`/changes/${reinterpretedAs}`} prefetch={false} className="link">
          another change
        </Link>
        .
      </p>
    )
  return (
    <form action={interpretAgain}>
      <input type="hidden" name="change" value={id} />
      <button type="submit" className="button">
        <Icon name="retry" className="size-3.5" /> Interpret its events again
      </button>
    </form>
  )
}
