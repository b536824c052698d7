import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import type { SeenDeletions } from '#lib/pipeline/reconcile/request.ts'
import { relay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { countDeletions, pendingDeletions } from '#lib/store/tables/prompt-looks.ts'
import { readProofs } from '#lib/store/views/proof.ts'
import { Icon } from '../../../_ui/icons.tsx'
import type { SearchParams } from '../../../_ui/list-query.ts'
import { Plain } from '../../../_ui/plain.tsx'
import { countWords } from '../../../_ui/quantity-words.ts'
import { When } from '../../../_ui/when.tsx'
import { confirmDeletions } from '../comparison-actions.ts'

export const metadata: Metadata = { title: 'Deletions' }

const maxShown = 200

/** Asks before many deletions are reported at once, and shows which. Writes nothing. */
export default async function DeletionsPage({ searchParams }: { searchParams: SearchParams }) {
  const params = await searchParams
  const name = String(params.project ?? '')
  await requireSession(`/setup/deletions?${new URLSearchParams({ project: name })}`)
  const { relay: running } = relay()
  if (!running) return null
  const db = await database()
  const now = Date.now()
  const [seen] = await readProofs(
    db,
    running.projects.filter((one) => one.name === name),
    now,
  )
  const held = seen?.state.held ?? null
  const id = seen?.project.id ?? seen?.lease?.projectId ?? null
  const prompts = held === null || id === null ? [] : await pendingDeletions(db, id, maxShown)
  const versions = held === null || id === null ? 0 : (await countDeletions(db, id, now)).seen
  return (
    <>
      <Link
        href="/setup#incoming"
        prefetch={false}
        className="inline-flex items-center gap-1.5 text-[13px] text-soft hover:text-ink"
      >
        <Icon name="left" className="size-3.5" /> Setup
      </Link>
      <h1 className="mt-4 text-[22px] leading-tight font-semibold tracking-tight">Deletions in Langfuse</h1>
      {params.notice === 'changed' ? (
        <p role="alert" className="mt-5 max-w-3xl rounded-lg bg-warn-wash px-4 py-2.5 text-warn">
          Nothing was confirmed: the deletions are not the ones that you saw. Check before you go on.
        </p>
      ) : null}
      {held === null || versions === 0 ? (
        <p className="mt-5 max-w-3xl text-soft">No deletions wait to be confirmed.</p>
      ) : (
        <Question project={name} seen={{ versions, since: held.since, seenAt: now }} prompts={prompts} />
      )}
    </>
  )
}

interface Props {
  project: string
  seen: SeenDeletions
  prompts: { name: string; versions: number[] }[]
}

function Question({ project, seen, prompts }: Props) {
  const { versions, since, seenAt } = seen
  const count = countWords(versions, 'version')
  return (
    <div className="panel mt-5 max-w-3xl p-4">
      <p>
        {count} of the project <Plain text={project} /> {versions === 1 ? 'is' : 'are'} gone in Langfuse, as a
        comparison found <When at={since} now={seenAt} />. So many at once may mean that the keys or the
        address are those of another Langfuse, or that its database was restored from a backup.
      </p>
      <p className="mt-3">
        If you confirm, each of these prompts is reported as deleted, to the targets that the rules name.
        Until then the relay keeps what it knew of them. If they appear again, nothing is reported.
      </p>
      <form action={confirmDeletions} className="mt-4 flex flex-wrap gap-2">
        <input type="hidden" name="project" value={project} />
        <input type="hidden" name="versions" value={versions} />
        <input type="hidden" name="since" value={since} />
        <input type="hidden" name="seenAt" value={seenAt} />
        <button type="submit" className="button">
          <Icon name="trash" className="size-3.5" />
          Report {count} as deleted
        </button>
        <Link href="/setup#incoming" prefetch={false} className="button">
          Not now
        </Link>
      </form>
      <ul
        aria-label="Deleted versions"
        className="mt-4 divide-y divide-line border-t border-line text-[13px]"
      >
        {prompts.map(({ name, versions: gone }) => (
          <li key={name} className="flex flex-wrap justify-between gap-x-4 py-1.5 [overflow-wrap:anywhere]">
            <Plain text={name} />
            <span className="text-soft">{versionWords(gone)}</span>
          </li>
        ))}
        {prompts.length === maxShown ? <li className="py-1.5 text-soft">… and more</li> : null}
      </ul>
    </div>
  )
}

const maxVersions = 8

function versionWords(versions: readonly number[]): string {
  const shown = versions.slice(0, maxVersions).map((one) => `v${one}`)
  const left = versions.length - shown.length
  return left > 0 ? `${shown.join(', ')} and ${left} more` : shown.join(', ')
}
