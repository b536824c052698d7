import Link from 'next/link'
import type { ReactNode } from 'react'
import { duration, longDuration } from '#lib/base/duration.ts'
import type { Change, EndedAlert, Omitted } from '#lib/core/change/change.ts'
import { callbackFields } from '#lib/core/change/describe-callback.ts'
import { type ProjectDirectory, projectNameOf } from '#lib/core/rules/project-directory.ts'
import type { Recovery } from '#lib/pipeline/settle/monitor-history.ts'
import { pathWith } from '../../../_ui/list-query.ts'
import { Plain } from '../../../_ui/plain.tsx'
import { countWords, utc } from '../../../_ui/quantity-words.ts'
import { authoredFactWords, authorsWords, moreWords, namesWords } from '../../_words/change-words.ts'
import { Labels } from '../../_words/labels.tsx'
import { promptPath } from '../../_words/prompt-path.ts'

/** What is known about a change, one fact per line. */
export function Facts(props: { change: Change; directory: ProjectDirectory; recovery: Recovery | null }) {
  const { change, directory, recovery } = props
  const { detail, projectId, subject, actor, eventCount, openedAt, settledAt } = change
  const { prompt } = detail
  return (
    <section aria-labelledby="facts" className="order-first lg:order-none">
      <h2 id="facts" className="mb-3 font-semibold">
        Facts
      </h2>
      <dl className="panel grid grid-cols-2 gap-x-5 gap-y-3 p-4 text-[13px] lg:grid-cols-1">
        {detail.facts.length === 0 ? null : (
          <Fact name="What happened">
            <ul className="grid gap-0.5">
              {detail.facts.map((fact) => (
                <li key={authoredFactWords(fact, change)}>
                  <Plain text={authoredFactWords(fact, change)} />
                </li>
              ))}
              {detail.omitted?.facts ? (
                <li className="text-faint">{moreWords(detail.omitted.facts)}</li>
              ) : null}
            </ul>
          </Fact>
        )}
        <Steps change={change} />
        {prompt ? <PromptFacts prompt={prompt} omitted={detail.omitted} /> : null}
        {prompt || actor ? (
          <Fact name="Who">
            <Plain text={authorsWords(change)} />
          </Fact>
        ) : null}
        {callbackFields(detail).map(([name, value]) => (
          <Fact key={name} name={name}>
            <Plain text={value} />
          </Fact>
        ))}
        <Episode alert={detail.alert} recovery={recovery} />
        {detail.ends ? (
          <Fact name="Ends the incident of">
            <Link href={`/changes/${detail.ends.changeId}`} prefetch={false} className="link">
              <Plain text={detail.ends.title} />
            </Link>
          </Fact>
        ) : null}
        {projectId === null ? null : (
          <Fact name="Project">
            <ProjectFact id={projectId} name={projectNameOf(directory, change)} />
          </Fact>
        )}
        {detail.environments.length === 0 ? null : (
          <Fact name="Environments">
            <Plain text={detail.environments.join(', ')} />
          </Fact>
        )}
        <Fact name="Events">
          {countWords(eventCount, 'event')}
          {settledAt === null ? '' : `, settled after ${duration(Math.max(0, settledAt - openedAt))}`}
        </Fact>
      </dl>
      {prompt ? (
        <p className="mt-3 ml-4 grid gap-1 text-[13px]">
          <Link
            href={promptPath(subject, { project: projectId ?? undefined })}
            prefetch={false}
            className="link"
          >
            All versions of this prompt
          </Link>
          <Link href={pathWith('/', { prompt: subject })} prefetch={false} className="link">
            All changes of this prompt
          </Link>
        </p>
      ) : null}
    </section>
  )
}

/** The operator's name for it, if there is one, beside its id in Langfuse. */
function ProjectFact({ id, name }: { id: string; name: string | null }) {
  return (
    <>
      {name === null ? null : <span className="mr-2">{name}</span>}
      <span className={`font-mono text-xs ${name === null ? '' : 'text-faint'}`}>
        <Plain text={id} />
      </span>
    </>
  )
}

/** What several people did in turn, where the outcome does not show it. */
function Steps({ change }: { change: Change }) {
  const { steps = [] } = change.detail
  if (steps.length === 0) return null
  return (
    <Fact name="Steps">
      <ol className="grid gap-0.5">
        {steps.map((step, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same may happen again, and the list never changes
          <li key={i}>
            <Plain text={authoredFactWords(step, change)} />
          </li>
        ))}
      </ol>
    </Fact>
  )
}

/** A recovery links to its alert, and an alert to its recovery. */
function Episode({ alert, recovery }: { alert: EndedAlert | undefined; recovery: Recovery | null }) {
  if (alert) {
    return (
      <Fact name="Recovered from">
        <Link href={`/changes/${alert.changeId}`} prefetch={false} className="link">
          <Plain text={alert.title} />
        </Link>
        {` since ${utc(alert.since)}, for ${longDuration(alert.forMs)}`}
      </Fact>
    )
  }
  if (!recovery) return null
  return (
    <Fact name="Recovered">
      <Link href={`/changes/${recovery.changeId}`} prefetch={false} className="link">
        {utc(recovery.at)}
      </Link>
      {`, after ${longDuration(recovery.forMs)}`}
    </Fact>
  )
}

function PromptFacts({
  prompt,
  omitted,
}: {
  prompt: NonNullable<Change['detail']['prompt']>
  omitted: Omitted | undefined
}) {
  const { labels, labelsBefore, tags, promptType, commitMessage } = prompt
  return (
    <>
      <Fact name="Labels">
        <span className="flex flex-wrap items-center gap-1">
          <Labels before={labelsBefore} after={labels} omitted={omitted} />
        </span>
      </Fact>
      {tags.length === 0 ? null : (
        <Fact name="Tags">
          <Plain text={namesWords(tags, omitted?.tags)} />
        </Fact>
      )}
      {promptType === null ? null : (
        <Fact name="Type">
          <Plain text={promptType} />
        </Fact>
      )}
      {commitMessage === null ? null : (
        <Fact name="Commit message">
          <span className="whitespace-pre-line">
            <Plain text={commitMessage} lines />
          </span>
        </Fact>
      )}
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-faint">{name}</dt>
      <dd className="mt-0.5 [overflow-wrap:anywhere]">{children}</dd>
    </div>
  )
}
