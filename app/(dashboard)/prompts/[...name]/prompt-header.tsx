import type { ReactNode } from 'react'
import { promptUrl } from '#lib/core/change/links.ts'
import type { PromptKey } from '#lib/core/prompt/fold.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import type { ShownVersion } from '#lib/store/views/prompt-page.ts'
import { CopyButton } from '../../../_ui/copy-button.tsx'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { countWords } from '../../../_ui/quantity-words.ts'
import { holdersOf } from './versions-of.ts'

const maxTags = 20

/** The name, which version has each label, and the tags. */
export function PromptHeader(props: {
  prompt: PromptKey
  versions: ShownVersion[]
  directory: ProjectDirectory
}) {
  const { prompt, versions, directory } = props
  const { projectId, name } = prompt
  const url = promptUrl(directory.webUrlOf({ projectId, detail: {} }), projectId, name, null)
  const project = directory.nameOf(projectId)
  const alive = versions.filter(({ deleted }) => !deleted)
  const tags = alive[0]?.tags ?? []
  return (
    <div className="mt-4">
      <p className="text-[13px] text-faint">
        Prompt · {countWords(versions.length, 'version')}
        {alive.length === 0 ? ', all deleted' : ''}
      </p>
      <h1 className="mt-1.5 font-mono text-[22px] leading-tight font-semibold tracking-tight [overflow-wrap:anywhere]">
        <Plain text={name} />
      </h1>
      <div className="mt-4 flex flex-wrap items-center gap-2">
        {url === null ? null : (
          <a href={url} rel="noreferrer" className="button">
            Open in Langfuse <Icon name="external" className="size-3.5" />
          </a>
        )}
        {project === null ? null : <span className="text-[13px] text-soft">{project}</span>}
        <span className="inline-flex min-w-0 items-center gap-1 font-mono text-xs text-faint">
          <span className="truncate select-all">
            <Plain text={projectId} />
          </span>
          <CopyButton text={projectId} what="the project's id" />
        </span>
      </div>
      <dl className="panel mt-6 grid gap-x-8 gap-y-3 px-4 py-3 text-[13px] sm:flex sm:flex-wrap">
        <Entry name="Labels">
          <Holders versions={versions} />
        </Entry>
        {tags.length === 0 ? null : (
          <Entry name="Tags">
            <Plain text={tags.slice(0, maxTags).join(', ')} />
            {tags.length > maxTags ? ` and ${tags.length - maxTags} more` : null}
          </Entry>
        )}
      </dl>
    </div>
  )
}

function Holders({ versions }: { versions: ShownVersion[] }) {
  const holders = holdersOf(versions)
  if (holders.length === 0) return <span className="text-soft">No version has a label.</span>
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1.5">
      {holders.map(({ label, version }) => (
        <li key={`${label} ${version}`} className="flex min-w-0 items-center gap-1.5">
          <span
            className={`max-w-60 truncate rounded border px-1 font-mono text-[11px] leading-[17px] ${label === 'production' ? 'border-accent/40 bg-accent-wash text-accent' : 'border-line bg-raised text-soft'}`}
          >
            <Plain text={label} />
          </span>
          <span className="sr-only">is on</span>
          <span className="font-medium">v{version}</span>
        </li>
      ))}
    </ul>
  )
}

function Entry({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="mb-1 text-xs text-faint">{name}</dt>
      <dd className="[overflow-wrap:anywhere]">{children}</dd>
    </div>
  )
}
