import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from 'next/headers'
import { type ReactElement, type ReactNode, Suspense } from 'react'

/** What is ready by then needs no skeleton: it would only flicker. */
const patienceMs = 200

/**
 * `content`, with a skeleton in its place while it takes long. Only where the page's own script asked: what a browser
 * loads by itself comes whole, because without JavaScript nothing would ever take the skeleton's place. For this
 * reason it is not Next's `loading.tsx`.
 */
export async function orSkeleton(content: Promise<ReactElement>, skeleton: ReactNode): Promise<ReactNode> {
  if ((await headers()).get('sec-fetch-dest') !== 'empty') return content
  const ready = content.then(
    () => true,
    () => true,
  )
  const isReady = await Promise.race([ready, sleep(patienceMs, false)])
  return isReady ? content : <Suspense fallback={skeleton}>{content}</Suspense>
}
