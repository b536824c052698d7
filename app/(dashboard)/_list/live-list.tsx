'use client'

import { useRouter } from 'next/navigation'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Icon } from '../../_ui/icons.tsx'
import { Table } from '../../_ui/table.tsx'
import { ChangeRow } from './change-row.tsx'
import { freshRows } from './fresh-rows.ts'
import type { LiveAnswer } from './live-query.ts'
import type { RowWords } from './row-words.ts'

interface Props {
  caption: string
  columns: { name: string; width: string }[]
  rows: RowWords[]
  /** In place of a table without rows. */
  empty: ReactNode
  /** The filter, as an address tells it. */
  query: string
  /** What has a greater id is new. */
  newest: string
  /** Where the newest are, where that is not here. */
  newestHref: string | null
}

const everyMs = 2000
const maxFresh = 100

/** A list that stays as it is read: its rows change in place, and what is new waits behind a banner. */
export function LiveList({ caption, columns, rows: first, empty, query, newest, newestHref }: Props) {
  const [rows, setRows] = useState(first)
  const { fresh, isSignedOut } = useNews(rows, setRows, { query, newest })
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

function useNews(
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
    let isAsking = false
    let isOver = false

    async function ask(): Promise<void> {
      const asked = new URLSearchParams(query)
      asked.set('newest', newest)
      asked.set('shown', known.current.map(({ id }) => id).join(','))
      const response = await fetch(`/api/live?${asked}`, {
        cache: 'no-store',
        headers: tag.current === '' ? {} : { 'if-none-match': tag.current },
      })
      if (response.status === 401) {
        isOver = true
        setSignedOut(true)
      }
      if (!response.ok) return
      const { fresh: count, marks }: LiveAnswer = await response.json()
      if (isOver) return
      setFresh(count)
      const changed = known.current.filter(({ id, mark }) => (marks[id] ?? mark) !== mark).map(({ id }) => id)
      if (changed.length > 0) {
        const byId = new Map((await freshRows(changed)).map((row) => [row.id, row]))
        setRows((now) => now.map((row) => byId.get(row.id) ?? row))
      }
      tag.current = response.headers.get('etag') ?? ''
    }

    /** A server that is away is asked again. */
    const tick = () => {
      if (isAsking || isOver || document.hidden) return
      isAsking = true
      ask()
        .catch(() => undefined)
        .finally(() => {
          isAsking = false
        })
    }
    const timer = setInterval(tick, everyMs)
    document.addEventListener('visibilitychange', tick)
    return () => {
      isOver = true
      clearInterval(timer)
      document.removeEventListener('visibilitychange', tick)
    }
  }, [query, newest, setRows])

  return { fresh, isSignedOut }
}

/** Above the page, so that it moves nothing. */
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
