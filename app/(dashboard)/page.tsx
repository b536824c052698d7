import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import type { ReactElement } from 'react'
import { requireSession } from '#app/session.ts'
import { isNarrowed, type ListFilter, parseListFilter } from '#lib/core/list/filter.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { relay } from '#lib/relay.ts'
import { type Db, database } from '#lib/store/client.ts'
import { storeProbe } from '#lib/store/probe.ts'
import { countFiltered, filterChoices, listFiltered } from '#lib/store/search/list.ts'
import { listQuery, pathWith, type SearchParams } from '../_ui/list-query.ts'
import { Pager } from '../_ui/pager.tsx'
import { ActiveFilter, Ignored } from './_list/active-filter.tsx'
import { Chart } from './_list/chart.tsx'
import { FirstSteps, NoMatch, OnlyTests } from './_list/empty.tsx'
import { FilterBar } from './_list/filter-bar.tsx'
import { filterChips, filterQuery } from './_list/filter-chips.ts'
import { HealthLine } from './_list/health-line.tsx'
import { orSkeleton } from './_list/list-skeleton.tsx'
import { LiveList } from './_list/live-list.tsx'
import { newestKnown } from './_list/live-query.ts'
import { rowWords } from './_list/row-words.ts'
import { Tabs } from './_list/tabs.tsx'
import { deliveryContexts } from './_words/delivery-context.ts'
import { knownProjects } from './_words/projects.ts'

export const metadata: Metadata = { title: 'Changes' }

const pageSize = 50

const columns = [
  { name: 'What', width: 'w-[166px]' },
  { name: 'Subject', width: '' },
  { name: 'Who', width: 'w-[136px]' },
  { name: 'Deliveries', width: 'w-[286px]' },
  { name: 'When', width: 'w-[186px]' },
]

interface ListRequest {
  filter: ListFilter
  ignored: string[]
  cursor: { before?: string; after?: string }
  now: number
}

export default async function ChangesPage({ searchParams }: { searchParams: SearchParams }) {
  const params = await searchParams
  const { filter, ignored } = parseListFilter(params)
  const { before, after } = listQuery.parse(params)
  const path = pathWith('/', { ...filterQuery(filter), before, after })
  await requireSession(path)
  // A form sends its empty fields too; the address should name only the filters in use.
  if (ignored.length === 0 && Object.values(params).flat().includes('')) redirect(path)
  return orSkeleton(changesPage({ filter, ignored, cursor: { before, after }, now: Date.now() }))
}

async function changesPage(request: ListRequest): Promise<ReactElement> {
  const { ignored, now } = request
  const db = await database()
  const directory = await knownProjects(db)
  const filter = byId(request.filter, directory)
  const chips = filterChips(filter, directory)
  const query = filterQuery(filter)
  // Called, not rendered: a child would not start reading before its parent has finished.
  const [health, chart, tabs, choices, matching, changes] = await Promise.all([
    healthLine(db, now),
    Chart({ db, time: filter.time, now }),
    Tabs({ db, current: 'changes' }),
    filterChoices(db),
    isNarrowed(filter) ? countFiltered(db, { filter, now }) : null,
    changesList(db, { ...request, filter }),
  ])
  return (
    <>
      <h1 className="sr-only">Changes</h1>
      <div className="panel mb-5 grid divide-line max-lg:divide-y lg:grid-cols-[minmax(0,1fr)_340px] lg:divide-x">
        {health}
        {chart}
      </div>
      {tabs}
      <FilterBar
        key={JSON.stringify(query)}
        filter={filter}
        choices={choices}
        directory={directory}
        activeCount={chips.length}
      />
      <Ignored sentences={ignored} />
      {matching ? <ActiveFilter filter={filter} chips={chips} matching={matching} /> : null}
      {changes}
    </>
  )
}

/** An address may name a project as the operator does. */
function byId(filter: ListFilter, directory: ProjectDirectory): ListFilter {
  const { project } = filter
  return project === null ? filter : { ...filter, project: directory.idOf(project) ?? project }
}

async function healthLine(db: Db, now: number): Promise<ReactElement> {
  const { relay: running } = relay()
  const { env, routes } = running ?? {}
  const proofs = running
    ? await proofsOf(db, running, { now, isServerless: Boolean(process.env.VERCEL) })
    : []
  const setting = {
    quietMs: (env?.QUIET_HOURS ?? 0) * 3_600_000,
    hasKeys: running?.projects.some(({ keys }) => keys !== null) ?? false,
    writeProblem: await storeProbe().check(),
    proofs,
  }
  return HealthLine({ db, setting, targets: Object.keys(routes?.targets ?? {}), now })
}

async function changesList(db: Db, { filter, cursor, now }: ListRequest): Promise<ReactElement> {
  const [{ rows, older, newer }, contextOf, directory] = await Promise.all([
    listFiltered(db, { filter, now }, cursor, pageSize),
    deliveryContexts(db, now),
    knownProjects(db),
  ])
  const query = filterQuery(filter)
  const hasCursor = cursor.before !== undefined || cursor.after !== undefined
  return (
    <>
      <LiveList
        key={now}
        caption="Changes, newest first"
        columns={columns}
        rows={rows.map((row) => rowWords(row, { now, directory, contextOf }))}
        empty={
          rows.length > 0 ? null : hasCursor || isNarrowed(filter) ? (
            <NoMatch path="/" />
          ) : (
            <Nothing db={db} now={now} />
          )
        }
        query={new URLSearchParams(query).toString()}
        newest={newestKnown(rows[0]?.change.id ?? null, newer === null, now)}
        newestHref={hasCursor ? pathWith('/', query) : null}
      />
      <Pager path="/" query={query} older={older} newer={newer} />
    </>
  )
}

/** There are no changes, except perhaps tests. */
async function Nothing({ db, now }: { db: Db; now: number }) {
  const { filter } = parseListFilter({ test: 'only' })
  const { count } = await countFiltered(db, { filter, now }, 1)
  return count > 0 ? <OnlyTests /> : <FirstSteps />
}
