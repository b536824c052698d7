import Link from 'next/link'
import { reconciledWord } from '#lib/core/change/links.ts'
import type { Proof } from '#lib/core/reconcile/proof.ts'
import { proofId } from '#lib/core/setup/checks.ts'
import type { Check } from '#lib/core/setup/finding.ts'
import { isSecretsCheck, type SecretSeen } from '#lib/core/setup/project-checks.ts'
import type { Seen } from '#lib/pipeline/setup/check-inputs.ts'
import { AutoRefresh } from '../../_ui/auto-refresh.tsx'
import { CopyButton } from '../../_ui/copy-button.tsx'
import { Icon } from '../../_ui/icons.tsx'
import { When } from '../../_ui/when.tsx'
import { CheckList, CheckRow } from './check-row.tsx'
import { compareNow } from './comparison-actions.ts'

/** What to configure in Langfuse, and what it has sent. */
export function Incoming({ checks, seen }: { checks: Check[]; seen: Seen }) {
  const { now, address, projects } = seen
  const secretsOf = (id: string) => projects.find((project) => isSecretsCheck(id, project))?.secrets ?? []
  return (
    <CheckList title="From Langfuse" id="incoming">
      {checks.map((check) => (
        <CheckRow key={check.id} check={check} now={now} aside={asideOf(check, seen)}>
          {check.id === 'address' ? (
            <Address url={`${address.url}/api/webhooks/langfuse`} what="the URL for webhooks" />
          ) : null}
          {check.id === 'callbacks' ? (
            <Address url={`${address.url}/api/callbacks/langfuse`} what="the URL for callbacks" />
          ) : null}
          <Secrets secrets={secretsOf(check.id)} now={now} />
        </CheckRow>
      ))}
    </CheckList>
  )
}

function asideOf(check: Check, { proofs }: Pick<Seen, 'proofs'>) {
  const proof = proofs.find(({ project }) => check.id === `${proofId}${project}`)
  return proof ? <Compared proof={proof} /> : eventsAside(check)
}

function eventsAside({ id, state }: Check) {
  if (id !== 'events' || state === 'not-yet') return null
  const [href, words] = state === 'problem' ? ['/rejected', 'Rejected requests'] : ['/events', 'Events']
  return (
    <Link href={href} prefetch={false} className="button">
      {words}
    </Link>
  )
}

/** While everything is being compared, the page shows the result by itself. */
const everyMs = 2000

function Compared({ proof: { project, state, recent, isUnderWay } }: { proof: Proof }) {
  if (state === 'off' || state === 'no-keys' || state === 'held') return null
  return (
    <>
      {state === 'deletions' ? (
        <Link
          href={`/setup/deletions?${new URLSearchParams({ project })}`}
          prefetch={false}
          className="button"
        >
          Review the deletions<span className="sr-only"> in {project}</span>
        </Link>
      ) : null}
      {recent > 0 ? (
        <Link href={`/?q=${reconciledWord}`} prefetch={false} className="button">
          What was found
        </Link>
      ) : null}
      {isUnderWay ? (
        <span role="status" className="text-[13px] text-soft">
          Comparing…
          <AutoRefresh everyMs={everyMs} />
          <noscript>
            {' '}
            <a href="/setup#incoming" className="link">
              Reload
            </a>
          </noscript>
        </span>
      ) : (
        <form action={compareNow}>
          <input type="hidden" name="project" value={project} />
          <button type="submit" className="button">
            <Icon name="retry" className="size-3.5" />
            Compare now<span className="sr-only">: {project}</span>
          </button>
        </form>
      )}
    </>
  )
}

function Address({ url, what }: { url: string; what: string }) {
  return (
    <div className="mt-2.5 flex max-w-xl items-center gap-2 rounded-lg border border-line bg-raised py-1.5 pr-1.5 pl-3">
      <code className="min-w-0 flex-1 font-mono text-[12.5px] break-all select-all">{url}</code>
      <CopyButton text={url} what={what} />
    </div>
  )
}

function Secrets({ secrets, now }: { secrets: SecretSeen[]; now: number }) {
  if (secrets.length === 0) return null
  return (
    <ul aria-label="Secrets" className="mt-2 grid gap-1 text-[13px]">
      {secrets.map(({ hint, lastAt }, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two secrets may have the same ending, and the list is fixed
        <li key={place} className="flex flex-wrap gap-x-2">
          <span className="font-mono text-[12.5px]">…{hint}</span>
          <span className="text-soft">
            {lastAt === null ? (
              'matches none of the newest events'
            ) : (
              <>
                last matched <When at={lastAt} now={now} />
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  )
}
