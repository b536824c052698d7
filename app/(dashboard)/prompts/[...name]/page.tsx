import type { Metadata } from 'next'
import Link from 'next/link'
import { isSignedIn, requireSession } from '#app/session.ts'
import { visibleText } from '#lib/base/visible.ts'
import { compareVersions, type VersionDifference } from '#lib/core/difference/difference.ts'
import type { PromptKey, VersionContent } from '#lib/core/prompt/fold.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { versionText } from '#lib/pipeline/settle/version-text.ts'
import { type Db, database } from '#lib/store/client.ts'
import { changesOfPrompt, projectsWith, shownVersions } from '#lib/store/views/prompt-page.ts'
import { Icon } from '../../../_ui/icons.tsx'
import type { SearchParams } from '../../../_ui/list-query.ts'
import { Pager } from '../../../_ui/pager.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { Missing } from '../../_list/empty.tsx'
import { deliveryContexts } from '../../_words/delivery-context.ts'
import { knownProjects } from '../../_words/projects.ts'
import { type PromptQuery, promptName, promptPath, promptQuery } from '../../_words/prompt-path.ts'
import { Compare } from './compare.tsx'
import { PromptChanges } from './prompt-changes.tsx'
import { PromptHeader } from './prompt-header.tsx'
import { VersionText } from './text.tsx'
import { Versions } from './versions.tsx'
import { type Pair, pairOf } from './versions-of.ts'

interface Props {
  params: Promise<{ name: string[] }>
  searchParams: SearchParams
}

const pageSize = 20

export async function generateMetadata({ params, searchParams }: Props): Promise<Metadata> {
  if (!(await isSignedIn())) return {}
  const name = promptName((await params).name, promptQuery.parse(await searchParams))
  return { title: visibleText(name ?? 'Not found').slice(0, 200) }
}

export default async function PromptPage({ params, searchParams }: Props) {
  const query = promptQuery.parse(await searchParams)
  const name = promptName((await params).name, query)
  await requireSession(name === null ? '/' : promptPath(name, query))
  if (name === null) return unknown
  const db = await database()
  const projects = await projectsWith(db, name)
  const [first, second] = query.project === undefined ? projects : [query.project]
  if (first === undefined || !projects.includes(first)) return unknown
  if (second !== undefined)
    return <Projects name={name} projects={projects} directory={await knownProjects(db)} />
  return <Prompt db={db} prompt={{ projectId: first, name }} query={query} />
}

async function Prompt({ db, prompt, query }: { db: Db; prompt: PromptKey; query: PromptQuery }) {
  const { name } = prompt
  const { project, view, below, before, after } = query
  const now = Date.now()
  const versions = await shownVersions(db, prompt)
  const pair = pairOf(versions, query)
  const contents = pair ? await contentsOf(db, prompt, pair) : null
  const { rows, older, newer } = await changesOfPrompt(db, prompt, { before, after }, pageSize)
  const hrefOf = (more: Omit<PromptQuery, 'name' | 'project'>) => promptPath(name, { project, view, ...more })
  const [path = ''] = promptPath(name).split('?')
  return (
    <>
      <BackLink />
      <PromptHeader prompt={prompt} versions={versions} directory={await knownProjects(db)} />
      <div className="mt-8 grid grid-cols-[minmax(0,1fr)] gap-8">
        {pair && contents ? (
          <div className="grid grid-cols-[minmax(0,1fr)] gap-3">
            <Compare
              versions={versions}
              pair={pair}
              difference={differenceOf(pair, contents)}
              view={view ?? 'unified'}
              path={path}
              kept={{ name: path === promptPath(name) ? undefined : name, project }}
              hrefOf={hrefOf}
            />
            {contents.after ? <VersionText version={pair.to} content={contents.after} /> : null}
          </div>
        ) : null}
        <Versions versions={versions} now={now} below={below} hrefOf={hrefOf} />
        <section aria-labelledby="changes">
          <h2 id="changes" className="mb-3 font-semibold">
            Changes
          </h2>
          <PromptChanges rows={rows} now={now} contextOf={await deliveryContexts(db, now)} />
          <Pager
            path={path}
            query={{ name: path === promptPath(name) ? undefined : name, project, view }}
            older={older}
            newer={newer}
          />
        </section>
      </div>
    </>
  )
}

interface Contents {
  before: VersionContent | null
  after: VersionContent | null
}

async function contentsOf(db: Db, prompt: PromptKey, { from, to }: Pair): Promise<Contents> {
  const after = await versionText(db, prompt, to)
  return { before: from === to ? after : await versionText(db, prompt, from), after }
}

function differenceOf({ from, to }: Pair, { before, after }: Contents): VersionDifference | null {
  if (from === to || before === null || after === null) return null
  return compareVersions({ version: from, ...before }, { version: to, ...after })
}

function BackLink() {
  return (
    <Link
      href="/"
      prefetch={false}
      className="inline-flex items-center gap-1.5 text-[13px] text-soft hover:text-ink"
    >
      <Icon name="left" className="size-3.5" /> Changes
    </Link>
  )
}

const unknown = (
  <Missing title="Prompt not found">The address is wrong, or no event has mentioned this prompt yet.</Missing>
)

/** A prompt of this name exists in several projects. */
function Projects(props: { name: string; projects: string[]; directory: ProjectDirectory }) {
  const { name, projects, directory } = props
  return (
    <div className="mx-auto max-w-lg py-10">
      <h1 className="text-lg font-semibold tracking-tight [overflow-wrap:anywhere]">
        {projects.length} projects have a prompt called{' '}
        <span className="font-mono text-[0.95em]">
          <Plain text={name} />
        </span>
      </h1>
      <ul className="panel mt-5 divide-y divide-line">
        {projects.map((project) => (
          <li key={project}>
            <Link
              href={promptPath(name, { project })}
              prefetch={false}
              className="block px-4 py-3 font-mono text-[13px] [overflow-wrap:anywhere] hover:bg-raised/50"
            >
              <Plain text={directory.nameOf(project) ?? project} />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
