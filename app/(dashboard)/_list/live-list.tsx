'use client'

import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { ChipWithWhy, Tile } from '../../_ui/badge.tsx'
import { Icon } from '../../_ui/icons.tsx'
import { Isolated } from '../../_ui/plain.tsx'
import { Cell, Row, Table } from '../../_ui/table.tsx'
import { When } from '../../_ui/when.tsx'
import { LabelLists } from '../_words/labels.tsx'
import { freshRows } from './fresh-rows.ts'
import type { LiveAnswer } from './live-query.ts'
import type { RowWords } from './row-words.ts'

interface Props {
  caption: string
  columns: { name: string; width: string }[]
  rows: RowWords[]
  /** Shown when there are no rows. */
  empty: ReactNode
  /** The filter, as a query string. */
  query: string
  /** A change with a greater id is new. */
  newest: string
  /** The first page, if this is not it. */
  newestHref: string | null
}

const everyMs = 2000
/** As in `live-query.ts`, which would bring zod into the browser. */
const maxFresh = 100

/** A list that does not move while it is read: rows are updated in place, and new ones wait behind a banner. */
export function LiveList({ caption, columns, rows: first, empty, query, newest, newestHref }: Props) {
  const [rows, setRows] = useState(first)
  const { fresh, isSignedOut } = useUpdates(rows, setRows, { query, newest })
  return (
    <>
      <Banner fresh={fresh} isSignedOut={isSignedOut} newestHref={newestHref} />
      {rows.length === 0 ? (
        empty
      ) : (
        <Table caption={caption} columns={columns}>
          {rows.map((row) => (
            <ChangeRow key={row.id} row={row} />
          ))}
        </Table>
      )}
    </>
  )
}

function ChangeRow({ row }: { row: RowWords }) {
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

function Subject({ row }: { row: RowWords }) {
  const { id, subject, versions, labels, project, summary, found, eventCount } = row
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
        {project === null ? null : (
          <span className="mr-1 max-w-full truncate text-xs text-faint">
            <span className="sr-only">Project </span>
            <Isolated text={project} />
          </span>
        )}
        {labels === null ? null : <LabelLists {...labels} />}
        {summary === null ? null : (
          <span className="max-w-full truncate text-xs text-faint">
            <Isolated text={summary} />
          </span>
        )}
        {found === null ? null : (
          <span title="No webhook came" className="above ml-1 text-xs text-faint">
            {found}
          </span>
        )}
        {eventCount > 1 ? (
          <span className="ml-1 text-xs text-faint">{`from ${eventCount} events`}</span>
        ) : null}
      </span>
    </>
  )
}

function useUpdates(
  rows: RowWords[],
  setRows: (update: (rows: RowWords[]) => RowWords[]) => void,
  { query, newest }: { query: string; newest: string },
): { fresh: number; isSignedOut: boolean } {
  const [fresh, setFresh] = useState(0)
  const [isSignedOut, setSignedOut] = useState(false)
  const known = useRef(rows)
  known.current = rows
  const tag = useRef('')

  useEffect(() => {
    let isPolling = false
    let isStopped = false

    async function poll(): Promise<void> {
      const params = new URLSearchParams(query)
      params.set('newest', newest)
      params.set('shown', known.current.map(({ id }) => id).join(','))
      const response = await fetch(`/api/live?${params}`, {
        cache: 'no-store',
        headers: tag.current === '' ? {} : { 'if-none-match': tag.current },
      })
      if (response.status === 401) {
        isStopped = true
        setSignedOut(true)
      }
      if (!response.ok) return
      const { fresh: count, marks }: LiveAnswer = await response.json()
      if (isStopped) return
      setFresh(count)
      const changed = known.current.filter(({ id, mark }) => (marks[id] ?? mark) !== mark).map(({ id }) => id)
      if (changed.length > 0) {
        const byId = new Map((await freshRows(changed)).map((row) => [row.id, row]))
        setRows((now) => now.map((row) => byId.get(row.id) ?? row))
      }
      tag.current = response.headers.get('etag') ?? ''
    }

    /** A failed request is repeated at the next tick. */
    const tick = () => {
      if (isPolling || isStopped || document.hidden) return
      isPolling = true
      poll()
        .catch(() => undefined)
        .finally(() => {
          isPolling = false
        })
    }
    const timer = setInterval(tick, everyMs)
    document.addEventListener('visibilitychange', tick)
    return () => {
      isStopped = true
      clearInterval(timer)
      document.removeEventListener('visibilitychange', tick)
    }
  }, [query, newest, setRows])

  return { fresh, isSignedOut }
}

/** Floats above the page, so that it moves nothing. */
function Banner(props: { fresh: number; isSignedOut: boolean; newestHref: string | null }) {
  const { fresh, isSignedOut, newestHref } = props
  const router = useRouter()
  const show = () => {
    scrollTo({ top: 0 })
    if (newestHref === null) router.refresh()
    else router.push(newestHref)
  }
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 top-3 z-30 flex justify-center text-[13px] font-medium"
    >
      {isSignedOut ? (
        <a href="/login" className="banner">
          You are logged out. Log in again
        </a>
      ) : fresh > 0 ? (
        <button type="button" onClick={show} className="banner">
          <Icon name="up" className="size-3.5" />
          {fresh >= maxFresh ? `${maxFresh - 1}+` : fresh} new
        </button>
      ) : null}
    </div>
  )
}
