import { type Change, wholeName } from '#lib/core/change/change.ts'
import { isBurstKind } from '#lib/core/change/kinds.ts'
import { callbackLinks, promptUrl } from '#lib/core/change/links.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { Tile } from '../../../_ui/badge.tsx'
import { CopyButton } from '../../../_ui/copy-button.tsx'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { utc } from '../../../_ui/quantity-words.ts'
import { When } from '../../../_ui/when.tsx'
import { kindWords } from '../../_words/change-words.ts'

export function ChangeHeader(props: { change: Change; directory: ProjectDirectory; now: number }) {
  const { change, directory, now } = props
  const { word, tone, icon } = kindWords(change)
  return (
    <div className="mt-4">
      <div className="flex items-center gap-2.5">
        <Tile icon={icon} tone={tone} spins={change.status === 'settling'} />
        <span className="font-medium">{word}</span>
        <span className="text-faint">
          <When at={change.openedAt} now={now} />
          <span className="hidden sm:inline"> · {utc(change.openedAt)}</span>
        </span>
      </div>
      <h1 className="mt-3 max-w-4xl text-[22px] leading-tight font-semibold tracking-tight text-balance [overflow-wrap:anywhere]">
        <Sentence change={change} />
      </h1>
      <div className="mt-4 flex flex-wrap items-center gap-2">
        {linksOf(change, directory).map(({ label, url }) => (
          <a key={url} href={url} rel="noreferrer" className="button">
            {label} <Icon name="external" className="size-3.5" />
          </a>
        ))}
        <span className="inline-flex items-center gap-1 font-mono text-xs text-faint">
          <span className="select-all">{change.id}</span>
          <CopyButton text={change.id} what="the id" />
        </span>
      </div>
    </div>
  )
}

/** The title, with the prompt's name highlighted. */
function Sentence({ change: { title, subject, status, kind } }: { change: Change }) {
  const at = title.indexOf(subject)
  const name = (
    <span className="rounded-md bg-raised px-1.5 py-px font-mono text-[0.9em] font-medium">
      <Plain text={subject} />
    </span>
  )
  if (status === 'settling' && isBurstKind(kind))
    return <Plain text={`${title}: more within minutes will join this change`} />
  if (status === 'settling') return <>{name} is changing: more events of the same edit may arrive</>
  if (at < 0 || title === subject) return <Plain text={title} />
  return (
    <>
      <Plain text={title.slice(0, at)} />
      {name}
      <Plain text={title.slice(at + subject.length)} />
    </>
  )
}

/** Links into Langfuse. They come from a signed body, but still only web addresses become links. */
function linksOf(change: Change, directory: ProjectDirectory): { label: string; url: string }[] {
  const { detail, projectId, version } = change
  const base = directory.webUrlOf(change)
  const isPrompt = detail.prompt !== null && projectId !== null
  const url = isPrompt ? promptUrl(base, projectId, wholeName(change), version) : null
  const prompt = url === null ? [] : [{ label: 'Open in Langfuse', url }]
  const callback = callbackLinks({ projectId, detail }, base)
  return [...prompt, ...callback, ...detail.links].filter(({ url }) => /^https?:\/\//i.test(url))
}
