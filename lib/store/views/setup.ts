import type { FactKind } from '../../core/change/change.ts'
import { kindFacet } from '../../core/list/facets.ts'
import type { Db } from '../client.ts'

/** How many events are searched for each secret. */
const newestEvents = 10_000

/**
 * When the newest event of a source was received, and the newest one signed with each secret (its last four characters),
 * among the newest 10,000 of that source. Epoch milliseconds.
 */
export async function lastSigned(
  db: Db,
  source: string,
): Promise<{ at: number | null; bySecret: Map<string, number> }> {
  const newest = db
    .selectFrom('events')
    .select(['secret_hint', 'received_at'])
    .where('source', '=', source)
    .orderBy('id', 'desc')
    .limit(newestEvents)
  const rows = await db
    .selectFrom(newest.as('newest'))
    .select(['secret_hint', (eb) => eb.fn.max('received_at').as('at')])
    .groupBy('secret_hint')
    .execute()
  const bySecret = new Map(rows.map((row) => [row.secret_hint, Number(row.at)]))
  return { at: bySecret.size === 0 ? null : Math.max(...bySecret.values()), bySecret }
}

/** The newest request that was refused for one of these reasons, without the relay's own tests. */
export async function lastRejection(
  db: Db,
  reasons: readonly string[],
): Promise<{ at: number; message: string; reason: string } | null> {
  const row = await db
    .selectFrom('rejections')
    .select(['at', 'message', 'reason'])
    .where('reason', 'in', reasons)
    .where('door', '!=', 'test')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ?? null
}

/** When the newest change of a kind was opened, epoch milliseconds. */
export async function lastOfKind(db: Db, kind: FactKind): Promise<number | null> {
  const row = await db
    .selectFrom('change_facets as f')
    .innerJoin('changes as c', 'c.id', 'f.change_id')
    .select('c.opened_at')
    .where('f.facet', '=', kindFacet(kind))
    .orderBy('f.change_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.opened_at ?? null
}

/** The newest change that was delivered to a target, and when, epoch milliseconds. */
export async function lastDelivered(
  db: Db,
  target: string,
): Promise<{ at: number; changeId: string } | null> {
  const row = await db
    .selectFrom('deliveries')
    .select(['finished_at', 'change_id'])
    .where('target', '=', target)
    .where('status', '=', 'delivered')
    .orderBy('change_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? { at: row.finished_at ?? 0, changeId: row.change_id } : null
}

/** More names than this are not read. */
const maxNames = 20_000

const complete = (names: string[]): string[] | null => (names.length > maxNames ? null : names)

/** All known prompts and projects; null: there are too many. */
export async function knownNames(db: Db): Promise<{ prompts: string[] | null; projects: string[] | null }> {
  const rows = await db
    .selectFrom('prompt_versions')
    .select(['project_id', 'name'])
    .distinct()
    .limit(maxNames + 1)
    .execute()
  const polled = await db.selectFrom('usage').select('project_id').distinct().limit(maxNames).execute()
  const prompts = complete([...new Set(rows.map(({ name }) => name))])
  const projects = [...new Set([...rows, ...polled].map(({ project_id }) => project_id))]
  return { prompts, projects: prompts === null ? null : projects }
}
