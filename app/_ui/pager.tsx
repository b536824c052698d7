import Link from 'next/link'
import { pathWith } from './list-query.ts'

/** Pages through a list by its ids. `query`: the filters, which stay in the address. */
export function Pager(props: {
  path: string
  query: Record<string, string | undefined>
  older: string | null
  newer: string | null
}) {
  const { path, query, older, newer } = props
  if (older === null && newer === null) return null
  return (
    <nav aria-label="Pages" className="mt-4 flex items-center justify-end gap-2">
      {newer === null ? null : (
        <>
          <Link href={pathWith(path, query)} prefetch={false} className="button">
            Newest
          </Link>
          <Link href={pathWith(path, { ...query, after: newer })} prefetch={false} className="button">
            Newer
          </Link>
        </>
      )}
      {older === null ? null : (
        <Link href={pathWith(path, { ...query, before: older })} prefetch={false} className="button">
          Older
        </Link>
      )}
    </nav>
  )
}
