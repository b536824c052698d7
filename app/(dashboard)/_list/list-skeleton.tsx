import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from 'next/headers'
import { type ReactElement, type ReactNode, Suspense } from 'react'

/** A skeleton shown for less than this would only flicker. */
const patienceMs = 200

/**
 * The list, with a skeleton in its place while the store is slow. Only when the page's own script requests it: a page
 * that the browser loads comes whole, because without JavaScript nothing would ever replace the skeleton. That is why
 * this is not Next's `loading.tsx`.
 */
export async function orSkeleton(list: Promise<ReactElement>): Promise<ReactNode> {
  if ((await headers()).get('sec-fetch-dest') !== 'empty') return list
  const ready = list.then(
    () => true,
    () => true,
  )
  const isReady = await Promise.race([ready, sleep(patienceMs, false)])
  return isReady ? list : <Suspense fallback={<ListSkeleton />}>{list}</Suspense>
}

const rows = Array.from({ length: 8 }, (_, i) => i)

function ListSkeleton() {
  return (
    <div aria-busy="true">
      <p className="sr-only">Loading the changes</p>
      <div aria-hidden="true" className="pulse grid gap-5">
        <div className="panel h-17" />
        <div className="h-8 border-b border-line" />
        <div className="panel divide-y divide-line">
          {rows.map((row) => (
            <div key={row} className="flex h-15 items-center gap-4 px-4">
              <div className="size-7 rounded-lg bg-raised" />
              <div className="h-3 w-24 rounded bg-raised" />
              <div className="h-3 grow rounded bg-raised" />
              <div className="h-5 w-40 rounded bg-raised" />
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}
