import Link from 'next/link'
import type { Change } from '#lib/core/change/change.ts'
import { compareVersions, inFull, type VersionDifference } from '#lib/core/difference/difference.ts'
import { comparedVersions } from '#lib/pipeline/settle/interpret.ts'
import { versionText } from '#lib/pipeline/settle/version-text.ts'
import type { Db } from '#lib/store/client.ts'
import { Plain } from '../../../_ui/plain.tsx'
import { Difference } from '../../_difference/difference.tsx'
import type { DifferenceView } from '../../_difference/difference-lines.tsx'
import { ViewSwitch } from '../../_difference/view-switch.tsx'
import { promptPath } from '../../_words/prompt-path.ts'

/**
 * The difference of a change: in full where the store has both texts, else as it was stored with the change. A text
 * that was unknown at that time may be known by now.
 */
export async function differenceOf(
  db: Db,
  { detail, projectId, subject }: Change,
): Promise<VersionDifference | string | null> {
  const { difference, facts } = detail
  if (difference === null || projectId === null) return null
  const read = (version: number) => versionText(db, { projectId, name: subject }, version)
  if (typeof difference === 'object')
    return inFull(difference, await read(difference.fromVersion), await read(difference.toVersion))
  const pair = comparedVersions(facts, [])
  const before = pair && (await read(pair.from))
  const after = pair && (await read(pair.to))
  if (!before || !after) return difference
  return compareVersions({ version: pair.from, ...before }, { version: pair.to, ...after })
}

interface Props {
  change: Change
  /** A string says why there is none. */
  difference: VersionDifference | string | null
  view: DifferenceView
}

/** What changed in text, variables and config; the message of an alert; how an unknown body differs from its schema. */
export function ChangeDifference({ change, difference, view }: Props) {
  const { message, problems } = change.detail
  if (difference !== null && typeof difference === 'object')
    return <Compared change={change} difference={difference} view={view} />
  if (difference === null && message === null && problems.length === 0) return null
  const title = difference !== null ? 'Difference' : message !== null ? 'Message' : 'Problems with the body'
  return (
    <section aria-labelledby="difference">
      <h2 id="difference" className="mb-3 font-semibold">
        {title}
      </h2>
      <div className="panel overflow-hidden">
        {difference === null ? null : <p className="p-4 text-soft">{difference}</p>}
        {message === null ? null : (
          <p className="p-4 whitespace-pre-line [overflow-wrap:anywhere]">
            <Plain text={message} lines />
          </p>
        )}
        {problems.length === 0 ? null : (
          <ul className="grid list-disc gap-1 p-4 pl-8 text-soft">
            {problems.map((problem) => (
              <li key={problem}>
                <Plain text={problem} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

function Compared({ change, difference, view }: Props & { difference: VersionDifference }) {
  const { detail, subject, projectId, id } = change
  const { fromVersion: from, toVersion: to } = difference.summary
  const labelsBefore = detail.prompt?.labelsBefore ?? null
  const labels = labelsBefore === null ? null : { before: labelsBefore, after: detail.prompt?.labels ?? [] }
  return (
    <section aria-labelledby="difference">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <h2 id="difference" className="font-semibold">
          Difference
          <Link
            href={`${promptPath(subject, { project: projectId ?? undefined, from, to })}#difference`}
            prefetch={false}
            className="ml-2 font-normal text-faint hover:text-ink"
          >
            v{from} → v{to}
          </Link>
        </h2>
        {difference.text && difference.text.blocks.length > 0 ? (
          <ViewSwitch
            view={view}
            hrefOf={(name) => `/changes/${id}${name === 'split' ? '?view=split' : ''}#difference`}
          />
        ) : null}
      </div>
      <Difference difference={difference} labels={labels} view={view} />
    </section>
  )
}
