import Link from 'next/link'
import type { ReactNode } from 'react'
import { withoutEndSlash } from '#lib/base/url-path.ts'
import { relay } from '#lib/relay.ts'
import { Icon } from '../../_ui/icons.tsx'

/** `heading`: 1 if the page has nothing else. */
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

/** The page of something that does not exist. Not Next's `notFound()`: without JavaScript that leaves the page empty. */
export function Missing({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Empty title={title} heading={1}>
      <p>{children}</p>
      <Link href="/" prefetch={false} className="button mt-4">
        Go to the changes
      </Link>
    </Empty>
  )
}

/** The list is not empty, but nothing matches. */
export function NoMatch({ path }: { path: string }) {
  return (
    <Empty title="No matches">
      <p>Nothing matches these filters.</p>
      <Link href={path} prefetch={false} className="button mt-4">
        Clear
      </Link>
    </Empty>
  )
}

export function OnlyTests() {
  return (
    <Empty title="No changes yet">
      <p>Only tests have arrived so far. The list hides them by default.</p>
      <Link href="/?test=only" prefetch={false} className="button mt-4">
        Show the tests
      </Link>
    </Empty>
  )
}

const codeLook = 'font-mono text-[13px] text-ink'

/** Nothing has arrived yet: what is left to do, with the finished steps ticked. */
export function FirstSteps() {
  const { relay: running } = relay()
  const publicUrl = withoutEndSlash(running?.env.PUBLIC_URL ?? 'https://<your relay>')
  const steps = [
    {
      isDone: (running?.directory.secrets.length ?? 0) > 0,
      words: (
        <>
          In Langfuse, add a webhook (Automations) with the URL{' '}
          <code className={`${codeLook} select-all`}>{publicUrl}/api/webhooks/langfuse</code>, and set{' '}
          <code className={codeLook}>LANGFUSE_WEBHOOK_SECRET</code> to its secret.
        </>
      ),
    },
    {
      isDone: Object.keys(running?.routes.targets ?? {}).length > 0,
      words: (
        <>
          Configure a target: <code className={codeLook}>SLACK_WEBHOOK_URL</code>,{' '}
          <code className={codeLook}>DISCORD_WEBHOOK_URL</code>, or{' '}
          <code className={codeLook}>GITHUB_REPO</code> with <code className={codeLook}>GITHUB_TOKEN</code>.
        </>
      ),
    },
    { isDone: false, words: 'Change a prompt in Langfuse. The change appears here within seconds.' },
  ]
  return (
    <Empty title="No changes yet">
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
        Open Setup
      </Link>
    </Empty>
  )
}
