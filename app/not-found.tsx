import type { Metadata } from 'next'
import Link from 'next/link'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <main className="mx-auto max-w-md px-6 py-24 text-center">
      <h1 className="text-xl font-semibold tracking-tight">Page not found</h1>
      <p className="mt-3 text-soft">
        The address is wrong, or the page was removed: old changes are deleted after a while.
      </p>
      <Link href="/" prefetch={false} className="button mt-6">
        Go to the changes
      </Link>
    </main>
  )
}
