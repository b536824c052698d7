import Link from 'next/link'
import { ChipWithWhy, Tile } from '../../_ui/badge.tsx'
import { Isolated } from '../../_ui/plain.tsx'
import { Cell, Row } from '../../_ui/table.tsx'
import { When } from '../../_ui/when.tsx'
import { LabelLists } from '../_words/labels.tsx'
import type { RowWords } from './row-words.ts'

export function ChangeRow({ row }: { row: RowWords }) {
  const { kind, isSettling, deliveries } = row
  return (
    <Row danger={row.isDanger}>
      <Cell className="order-1 sm:pr-0">
        <span className="flex items-center gap-2.5">
          <Tile icon={kind.icon} tone={kind.tone} spins={isSettling} />
          <span className="font-medium whitespace-nowrap">{kind.word}</span>
        </span>
      </Cell>
      <Cell className="order-3 min-w-0 basis-full">
        <Subject row={row} />
      </Cell>
      <Cell className="order-4 truncate text-[13px] text-soft">
        {row.actor === null ? null : <Isolated text={row.actor} />}
      </Cell>
      <Cell className="order-5 basis-full">
        <span className="flex flex-wrap gap-1.5">
          {deliveries.map(({ id, ...chip }) => (
            <ChipWithWhy key={id} {...chip} />
          ))}
          {deliveries.length > 0 ? null : (
            <span className="text-xs text-faint">{isSettling ? 'waiting for more events' : 'none'}</span>
          )}
        </span>
      </Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        <When at={row.at} now={row.now} swaps />
      </Cell>
    </Row>
  )
}

function Subject({ row: { id, subject, versions, labels, summary, eventCount } }: { row: RowWords }) {
  return (
    <>
      <span className="flex items-baseline gap-2">
        <Link
          href={`/changes/${id}`}
          prefetch={false}
          className="row-link min-w-0 font-medium [overflow-wrap:anywhere] sm:truncate"
        >
          <Isolated text={subject} />
        </Link>
        {versions === null ? null : <span className="shrink-0 text-[13px] text-soft">{versions}</span>}
      </span>
      <span className="mt-1 flex flex-wrap items-center gap-1">
        {labels === null ? null : <LabelLists {...labels} />}
        {summary === null ? null : (
          <span className="max-w-full truncate text-xs text-faint">
            <Isolated text={summary} />
          </span>
        )}
        {eventCount > 1 ? (
          <span className="ml-1 text-xs text-faint">{`from ${eventCount} events`}</span>
        ) : null}
      </span>
    </>
  )
}
