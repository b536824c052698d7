import { monitorFacet } from '../../core/list/facets.ts'
import type { Db } from '../client.ts'
import type { ChangeRow } from '../schema.ts'

/** One change that a monitor caused. `at`: when the monitor ran, epoch milliseconds. */
export type MonitorChange = Pick<ChangeRow, 'id' | 'kind' | 'title'> & { at: number }

/** Repeats of a long alert come at most once a minute, and an alert can last for hours. */
const max = 500

/** The newest changes of a monitor, in the order of its runs. */
export async function monitorChanges(
  db: Db,
  { projectId, monitorId }: { projectId: string; monitorId: string },
): Promise<MonitorChange[]> {
  const rows = await db
    .selectFrom('change_facets as f')
    .innerJoin('changes as c', 'c.id', 'f.change_id')
    .innerJoin('events as e', 'e.change_id', 'c.id')
    .select(['c.id', 'c.kind', 'c.title', 'e.occurred_at as at'])
    .where('f.facet', '=', monitorFacet(projectId, monitorId))
    .orderBy('f.change_id', 'desc')
    .limit(max)
    .execute()
  return rows.toSorted((a, b) => a.at - b.at)
}
