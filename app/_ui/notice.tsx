import Link from 'next/link'
import type { ReactNode } from 'react'

/** A page that has one thing to say. */
export function Notice(props: {
  title: string
  children: ReactNode
  action?: { href: string; words: string }
}) {
  const { title, children, action } = props
  return (
    <main className="mx-auto max-w-md px-6 py-24 text-center">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <div className="mt-3 text-soft">{children}</div>
      {action ? (
        <Link href={action.href} prefetch={false} className="button mt-6">
          {action.words}
        </Link>
      ) : null}
    </main>
  )
}
