import type { Metadata } from 'next'
import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import type { RejectionRow } from '#lib/store/schema.ts'
import { listRejections } from '#lib/store/views/paged-lists.ts'
import { Chip } from '../../_ui/badge.tsx'
import { Code } from '../../_ui/code.tsx'
import { Icon } from '../../_ui/icons.tsx'
import { listQuery, pathWith, type SearchParams } from '../../_ui/list-query.ts'
import { Pager } from '../../_ui/pager.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { bytes } from '../../_ui/quantity-words.ts'
import { Cell, Row, Table } from '../../_ui/table.tsx'
import { When } from '../../_ui/when.tsx'
import { Empty, NoMatch } from '../_list/empty.tsx'
import { Tabs } from '../_list/tabs.tsx'

export const metadata: Metadata = { title: 'Rejected' }

const pageSize = 50

const columns = [
  { name: 'Response', width: 'w-[190px]' },
  { name: 'Reason', width: '' },
  { name: 'From', width: 'w-[210px]' },
  { name: 'Size', width: 'w-[90px]' },
  { name: 'When', width: 'w-[190px]' },
]

export default async function RejectedPage({ searchParams }: { searchParams: SearchParams }) {
  const { before, after } = listQuery.parse(await searchParams)
  await requireSession(pathWith('/rejected', { before, after }))
  const db = await database()
  const now = Date.now()
  const { rows, older, newer } = await listRejections(db, { before, after }, pageSize)
  const isNarrowed = before !== undefined || after !== undefined
  return (
    <>
      <h1 className="sr-only">Rejected requests</h1>
      <Tabs db={db} current="rejections" />
      {rows.length > 0 ? (
        <Table caption="Rejected requests, newest first" columns={columns}>
          {rows.map((rejection) => (
            <RejectionTableRow key={rejection.id} rejection={rejection} now={now} />
          ))}
        </Table>
      ) : isNarrowed ? (
        <NoMatch path="/rejected" />
      ) : (
        <Empty title="No rejected requests">
          <p>
            Requests with a wrong, missing or expired signature appear here with the reason, and so do refused
            callbacks.
          </p>
        </Empty>
      )}
      <Pager path="/rejected" query={{}} older={older} newer={newer} />
    </>
  )
}

const endpointWords: Record<string, string> = {
  'langfuse-webhook': 'webhook endpoint',
  'langfuse-callback': 'callback endpoint',
}

function RejectionTableRow({ rejection, now }: { rejection: RejectionRow; now: number }) {
  const { door, status_code, reason, message, method, address, user_agent, size, head, at } = rejection
  return (
    <Row>
      <Cell className="order-1">
        <Chip tone="bad" name={String(status_code)} words={reason} />
      </Cell>
      <Cell className="order-3 basis-full [overflow-wrap:anywhere]">
        <Plain text={message} />
        {head.byteLength === 0 ? null : <Head head={head} size={size} />}
      </Cell>
      <Cell className="order-4 text-[13px] text-soft [overflow-wrap:anywhere]">
        <Plain text={`${method} from ${address ?? 'an unknown address'}`} />
        <span className="block text-xs text-faint">{endpointWords[door] ?? door}</span>
        {user_agent === null ? null : (
          <span className="block text-xs text-faint">
            <Plain text={user_agent} />
          </span>
        )}
      </Cell>
      <Cell className="order-5 text-[13px] text-soft">{bytes(size)}</Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        <When at={at} now={now} swaps />
      </Cell>
    </Row>
  )
}

function Head({ head, size }: { head: Uint8Array; size: number }) {
  const isWhole = head.byteLength >= size
  return (
    <details className="mt-1">
      <summary className="inline-flex items-center gap-1 text-xs text-soft hover:text-ink">
        <Icon name="right" className="chevron size-3" />
        {isWhole ? 'Request body' : `First ${bytes(head.byteLength)} of the request body`}
      </summary>
      <Code
        text={new TextDecoder().decode(head)}
        name="Request body"
        className="mt-2 rounded-md border border-line"
      />
    </details>
  )
}
