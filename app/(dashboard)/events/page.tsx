import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { type ListedEvent, listEvents } from '#lib/store/views/paged-lists.ts'
import { listQuery, pathWith, type SearchParams } from '../../_ui/list-query.ts'
import { Pager } from '../../_ui/pager.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { bytes } from '../../_ui/quantity-words.ts'
import { Cell, Row, Table } from '../../_ui/table.tsx'
import { When } from '../../_ui/when.tsx'
import { Empty, NoMatch } from '../_list/empty.tsx'
import { Tabs } from '../_list/tabs.tsx'
import { proofWords } from '../_words/event-proof.ts'

export const metadata: Metadata = { title: 'Events' }

const pageSize = 50

const columns = [
  { name: 'Type', width: 'w-[210px]' },
  { name: 'Subject', width: '' },
  { name: 'Signed', width: 'w-[150px]' },
  { name: 'Size', width: 'w-[90px]' },
  { name: 'Received', width: 'w-[190px]' },
]

export default async function EventsPage({ searchParams }: { searchParams: SearchParams }) {
  const { before, after, change } = listQuery.parse(await searchParams)
  await requireSession(pathWith('/events', { before, after, change }))
  const db = await database()
  const now = Date.now()
  const { rows, older, newer } = await listEvents(db, { change }, { before, after }, pageSize)
  const isNarrowed = before !== undefined || after !== undefined || change !== undefined
  return (
    <>
      <h1 className="sr-only">Events</h1>
      <Tabs db={db} current="events" />
      {rows.length > 0 ? (
        <Table caption="Events as received, newest first" columns={columns}>
          {rows.map((event) => (
            <EventRow key={event.id} event={event} now={now} />
          ))}
        </Table>
      ) : isNarrowed ? (
        <NoMatch path="/events" />
      ) : (
        <Empty title="No events yet">
          <p>Every accepted event is stored here as it was received.</p>
        </Empty>
      )}
      <Pager path="/events" query={{ change }} older={older} newer={newer} />
    </>
  )
}

function EventRow({ event, now }: { event: ListedEvent; now: number }) {
  const { id, change_id, type, action, subject, version, size, received_at } = event
  const { short, hint, long } = proofWords(event)
  return (
    <Row>
      <Cell className="order-1 font-medium">
        {type}
        {action === null ? null : <span className="font-normal text-soft"> {action}</span>}
      </Cell>
      <Cell className="order-3 basis-full">
        <span className="flex items-baseline gap-2">
          <Link
            href={`/changes/${change_id}#${id}`}
            prefetch={false}
            className="row-link min-w-0 [overflow-wrap:anywhere] sm:truncate"
          >
            <Plain text={subject} />
          </Link>
          {version === null ? null : <span className="shrink-0 text-[13px] text-soft">v{version}</span>}
        </span>
      </Cell>
      <Cell className="order-4 text-[13px] text-soft">
        <span title={long}>{short}</span>{' '}
        {hint === null ? null : <span className="font-mono text-xs text-faint">…{hint}</span>}
      </Cell>
      <Cell className="order-5 text-[13px] text-soft">{bytes(size)}</Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        <When at={received_at} now={now} swaps />
      </Cell>
    </Row>
  )
}
