import type { Metadata } from 'next'
import Link from 'next/link'
import { isSignedIn, requireSession } from '#app/session.ts'
import { visibleText } from '#lib/base/visible.ts'
import { compareVersions, type VersionDifference } from '#lib/core/difference/compare-versions.ts'
import type { PromptKey, VersionContent } from '#lib/core/prompt/fold.ts'
import { versionText } from '#lib/pipeline/settle/version-text.ts'
import { type Db, database } from '#lib/store/client.ts'
import { changesOfPrompt, projectsWith, shownVersions } from '#lib/store/views/prompt-page.ts'
import { Icon } from '../../../_ui/icons.tsx'
import type { SearchParams } from '../../../_ui/list-query.ts'
import { Pager } from '../../../_ui/pager.tsx'
import { Empty } from '../../_list/empty.tsx'
import { deliveryContexts } from '../../_words/delivery-context.ts'
import { type PromptQuery, promptName, promptPath, promptQuery } from '../../_words/prompt-path.ts'
import { Compare } from './compare.tsx'
import { Projects } from './projects.tsx'
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

async function asked({ params, searchParams }: Props): Promise<{ name: string | null; query: PromptQuery }> {
  const query = promptQuery.parse(await searchParams)
  return { name: promptName((await params).name, query), query }
}

export async function generateMetadata(props: Props): Promise<Metadata> {
  if (!(await isSignedIn())) return {}
  const { name } = await asked(props)
  return { title: visibleText(name ?? 'No such prompt').slice(0, 200) }
}

export default async function PromptPage(props: Props) {
  const { name, query } = await asked(props)
  await requireSession(name === null ? '/' : promptPath(name, query))
  if (name === null) return <Unknown />
  const db = await database()
  const projects = await projectsWith(db, name)
  const [first, second] = query.project === undefined ? projects : [query.project]
  if (first === undefined || !projects.includes(first)) return <Unknown />
  if (second !== undefined) return <Projects name={name} projects={projects} />
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
      <PromptHeader prompt={prompt} versions={versions} />
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

/** Not Next's `notFound()`: that leaves the page empty where there is no JavaScript. */
function Unknown() {
  return (
    <Empty title="There is no such prompt" heading={1}>
      <p>The address is wrong, or no event has spoken of this prompt yet.</p>
      <Link href="/" prefetch={false} className="button mt-4">
        To the changes
      </Link>
    </Empty>
  )
}
