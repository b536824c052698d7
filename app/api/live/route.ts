import { createHash } from 'node:crypto'
import { isSignedIn } from '#app/session.ts'
import { parseListFilter } from '#lib/core/list/filter.ts'
import { database } from '#lib/store/client.ts'
import { idsAfter } from '#lib/store/search/list.ts'
import { liveChanges } from '#lib/store/views/listed-changes.ts'
import { type LiveAnswer, liveQuery, maxFresh } from '../../(dashboard)/_list/live-query.ts'
import { rowMark } from '../../(dashboard)/_list/row-mark.ts'
import { deliveryContexts } from '../../(dashboard)/_words/delivery-context.ts'

export const dynamic = 'force-dynamic'

/** What has changed since an open list was loaded. 304 while its ETag still matches, 401 without a session. */
export async function GET(request: Request): Promise<Response> {
  const headers = { 'cache-control': 'no-store' }
  if (!(await isSignedIn())) return Response.json({ error: 'signed out' }, { status: 401, headers })
  const { searchParams } = new URL(request.url)
  const query = liveQuery.safeParse(Object.fromEntries(searchParams))
  if (!query.success) return Response.json({ error: 'newest or shown is wrong' }, { status: 400, headers })
  const answer = JSON.stringify(await liveAnswer(searchParams, query.data))
  const etag = `"${createHash('sha1').update(answer).digest('base64url')}"`
  if (request.headers.get('if-none-match') === etag)
    return new Response(null, { status: 304, headers: { ...headers, etag } })
  return new Response(answer, { headers: { ...headers, etag, 'content-type': 'application/json' } })
}

async function liveAnswer(
  params: URLSearchParams,
  { newest, shown }: { newest: string; shown: string[] },
): Promise<LiveAnswer> {
  const db = await database()
  const now = Date.now()
  const { filter } = parseListFilter(params)
  const fresh = await idsAfter(db, { filter, now }, newest, maxFresh)
  const rows = await liveChanges(db, shown)
  const contextOf = await deliveryContexts(db, now)
  const marks = rows.map((row) => [row.change.id, rowMark(row, contextOf)] as const)
  return { fresh: fresh.length, marks: Object.fromEntries(marks.toSorted(([a], [b]) => (a < b ? -1 : 1))) }
}
