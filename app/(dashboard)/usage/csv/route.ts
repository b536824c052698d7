import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { usageSince } from '#lib/store/tables/polls.ts'
import { daysUntil, usageCsv } from '../usage-shape.ts'

/** The data of the page, as a file. */
export async function GET(): Promise<Response> {
  await requireSession('/usage/csv')
  const [since = ''] = daysUntil(Date.now())
  return new Response(usageCsv(await usageSince(await database(), since)), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="usage.csv"',
      'cache-control': 'no-store',
    },
  })
}
