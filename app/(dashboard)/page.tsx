import type { Metadata } from 'next'
import Link from 'next/link'
import { database } from '#lib/db/client.ts'
import { listChanges } from '#lib/db/dashboard.ts'
import { requireSession } from '#lib/session.ts'
import { FirstSteps, NoMatch } from '../_components/empty.tsx'
import { Icon } from '../_components/icons.tsx'
import { listQuery, pathWith, type SearchParams } from '../_components/list-query.ts'
import { Pager } from '../_components/pager.tsx'
import { Plain } from '../_components/plain.tsx'
import { Table } from '../_components/table.tsx'
import { Tabs } from '../_components/tabs.tsx'
import { ChangeRow } from './change-row.tsx'
import { deliveryContexts } from './delivery-context.ts'

export const metadata: Metadata = { title: 'Changes' }

const pageSize = 50

const columns = [
  { name: 'What', width: 'w-[150px]' },
  { name: 'Subject', width: '' },
  { name: 'Who', width: 'w-[136px]' },
  { name: 'Deliveries', width: 'w-[286px]' },
  { name: 'When', width: 'w-[186px]' },
]

export default async function ChangesPage({ searchParams }: { searchParams: SearchParams }) {
  const { before, after, prompt } = listQuery.parse(await searchParams)
  await requireSession(pathWith('/', { before, after, prompt }))
  const db = await database()
  const now = Date.now()
  const { rows, older, newer } = await listChanges(db, { prompt }, { before, after }, pageSize)
  const contextOf = await deliveryContexts(db, now)
  const isNarrowed = before !== undefined || after !== undefined || prompt !== undefined
  return (
    <>
      <h1 className="sr-only">Changes</h1>
      <Tabs db={db} current="changes" />
      {prompt === undefined ? null : <PromptFilter prompt={prompt} />}
      {rows.length > 0 ? (
        <Table caption="Changes, newest first" columns={columns}>
          {rows.map((row) => (
            <ChangeRow key={row.change.id} {...row} now={now} contextOf={contextOf} />
          ))}
        </Table>
      ) : isNarrowed ? (
        <NoMatch path="/" />
      ) : (
        <FirstSteps hasEvents={false} />
      )}
      <Pager path="/" query={{ prompt }} older={older} newer={newer} />
    </>
  )
}

function PromptFilter({ prompt }: { prompt: string }) {
  return (
    <p className="mb-4 flex items-center gap-2 text-[13px] text-soft">
      Only{' '}
      <strong className="font-medium text-ink">
        <Plain text={prompt} />
      </strong>
      <Link href="/" prefetch={false} className="link inline-flex items-center gap-1">
        <Icon name="cross" className="size-3" /> Clear
      </Link>
    </p>
  )
}
