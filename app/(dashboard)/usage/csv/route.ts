import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { usageSince } from '#lib/store/tables/polls.ts'
import { knownProjects } from '../../_words/projects.ts'
import { daysUntil, usageCsv } from '../usage-shape.ts'

/** The data of the page, as a file. */
export async function GET(): Promise<Response> {
  await requireSession('/usage/csv')
  const [since = ''] = daysUntil(Date.now())
  const db = await database()
  const directory = await knownProjects(db)
  const byProject = directory.projects.length > 1
  const rows = await usageSince(db, since, { byProject })
  return new Response(usageCsv(rows, byProject ? (id) => directory.nameOf(id) ?? id : null), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="usage.csv"',
      'cache-control': 'no-store',
    },
  })
}
