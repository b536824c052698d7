import Link from 'next/link'
import type { ReactNode } from 'react'
import { withoutEndSlash } from '#lib/base/url-path.ts'
import { relay } from '#lib/relay.ts'
import { Icon } from '../../_ui/icons.tsx'

/** `heading`: 1 where it is all that the page has. */
export function Empty({
  title,
  heading = 2,
  children,
}: {
  title: string
  heading?: 1 | 2
  children: ReactNode
}) {
  const Heading = `h${heading}` as const
  return (
    <div className="panel grid justify-items-center gap-3 px-6 py-16 text-center">
      <Heading className="font-semibold">{title}</Heading>
      <div className="max-w-lg text-soft">{children}</div>
    </div>
  )
}

/** The list has rows, but none here. */
export function NoMatch({ path }: { path: string }) {
  return (
    <Empty title="Nothing matches">
      <p>Nothing here fits what the address asks for.</p>
      <Link href={path} prefetch={false} className="button mt-4">
        Clear
      </Link>
    </Empty>
  )
}

export function OnlyTests() {
  return (
    <Empty title="No change has come yet">
      <p>Only tests came so far. They are left out of the list, unless one asks for them.</p>
      <Link href="/?test=only" prefetch={false} className="button mt-4">
        Show the tests
      </Link>
    </Empty>
  )
}

/** Nothing came yet: what is left to do, ticked by what the relay sees of it. */
export function FirstSteps({ hasEvents }: { hasEvents: boolean }) {
  const { relay: running } = relay()
  const publicUrl = withoutEndSlash(running?.env.PUBLIC_URL ?? 'https://<your relay>')
  const steps = [
    {
      isDone: (running?.env.LANGFUSE_WEBHOOK_SECRET.length ?? 0) > 0,
      words: (
        <>
          Add a webhook in Langfuse (Automations) to{' '}
          <code className="font-mono text-[13px] text-ink select-all">{publicUrl}/api/webhooks/langfuse</code>
          , and put its secret into{' '}
          <code className="font-mono text-[13px] text-ink">LANGFUSE_WEBHOOK_SECRET</code>.
        </>
      ),
    },
    {
      isDone: Object.keys(running?.routes.targets ?? {}).length > 0,
      words: (
        <>
          Name who is to be told: <code className="font-mono text-[13px] text-ink">SLACK_WEBHOOK_URL</code>,
          or <code className="font-mono text-[13px] text-ink">GITHUB_REPO</code> with{' '}
          <code className="font-mono text-[13px] text-ink">GITHUB_TOKEN</code>.
        </>
      ),
    },
    { isDone: hasEvents, words: 'Change a prompt in Langfuse. The change shows up here within seconds.' },
  ]
  return (
    <Empty title="No change has come yet">
      <ol className="mt-2 grid gap-3 text-left">
        {steps.map(({ isDone, words }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a fixed list
          <li key={index} className="flex gap-3">
            <span
              className={`grid size-6 shrink-0 place-items-center rounded-full text-xs font-medium ${isDone ? 'bg-good-wash text-good' : 'bg-raised text-soft'}`}
            >
              {isDone ? <Icon name="check" className="size-3.5" /> : index + 1}
            </span>
            <span>
              {isDone ? <span className="sr-only">Done: </span> : null}
              {words}
            </span>
          </li>
        ))}
      </ol>
      <Link href="/setup" prefetch={false} className="button mt-6">
        Open the setup
      </Link>
    </Empty>
  )
}
