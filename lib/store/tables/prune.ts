import { sql } from 'kysely'
import { firstIdAt } from '../../base/id.ts'
import { kindFacet } from '../../core/list/facets.ts'
import type { Db } from '../client.ts'
import { forgetChanges } from '../search/index-write.ts'

/**
 * Callbacks without the token that Langfuse did not confirm, beyond the newest `keep`; `max` at once. Anyone can send them,
 * so age alone does not limit their number.
 */
export async function withheldCallbacks(
  db: Db,
  { keep, max }: { keep: number; max: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('change_facets as f')
    .innerJoin('changes as c', 'c.id', 'f.change_id')
    .innerJoin('events as e', 'e.change_id', 'c.id')
    .select('c.id')
    .where('f.facet', '=', kindFacet('trace-callback'))
    .where('e.signature', 'in', ['page', 'open'])
    // A text in it would have its quotes escaped.
    .where('c.detail', 'like', '%"withheld":"%')
    .orderBy('f.change_id', 'desc')
    .offset(keep)
    .limit(max)
    .execute()
  return rows.map(({ id }) => id)
}

/**
 * One batch of old changes in the order of their ids: those that may be deleted, and the last one of the batch (null: no
 * more). `before`: epoch milliseconds.
 */
export async function prunableChanges(
  db: Db,
  { before, after, max }: { before: number; after: string; max: number },
): Promise<{ ids: string[]; last: string | null }> {
  const old = await db
    .selectFrom('changes')
    .select('id')
    .where('id', '>', after)
    .where('settled_at', '<', before)
    // Ids sort by the time of opening, which lets the scan end early.
    .where('id', '<', firstIdAt('chg', before))
    .orderBy('id')
    .limit(max)
    .execute()
  const ids = old.map(({ id }) => id)
  if (ids.length === 0) return { ids, last: null }
  const kept = await db
    .selectFrom('deliveries as d')
    .leftJoin('dismissals as x', (join) =>
      join.onRef('x.delivery_id', '=', 'd.id').onRef('x.attempt', '=', 'd.attempt'),
    )
    .select('d.change_id')
    .where('d.change_id', 'in', ids)
    .where('d.status', 'in', ['queued', 'sending', 'retrying', 'failed'])
    // A failure that was dismissed has ended as much as what was delivered.
    .where((eb) => eb.or([eb('d.status', '!=', 'failed'), eb('x.delivery_id', 'is', null)]))
    .execute()
  const stays = new Set(kept.map((row) => row.change_id))
  return { ids: ids.filter((id) => !stays.has(id)), last: ids.at(-1) ?? null }
}

export async function deleteChanges(db: Db, ids: string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await forgetChanges(trx, ids)
    const deliveries = trx.selectFrom('deliveries').select('id').where('change_id', 'in', ids)
    await trx.deleteFrom('dismissals').where('delivery_id', 'in', deliveries).execute()
    await trx.deleteFrom('gathered_deliveries').where('delivery_id', 'in', deliveries).execute()
    await trx.deleteFrom('delivery_orders').where('delivery_id', 'in', deliveries).execute()
    await trx.deleteFrom('attempts').where('delivery_id', 'in', deliveries).execute()
    await trx.deleteFrom('deliveries').where('change_id', 'in', ids).execute()
    await trx.deleteFrom('events').where('change_id', 'in', ids).execute()
    await trx.deleteFrom('changes').where('id', 'in', ids).execute()
  })
}

/** Deletes the failures of changes that are no longer open. */
export async function forgetSettleFailures(db: Db): Promise<void> {
  await db
    .deleteFrom('settle_failures')
    .where('change_id', 'not in', (eb) =>
      eb.selectFrom('changes').select('id').where('next_at', 'is not', null),
    )
    .execute()
}

// Literals, or SQLite does not use the partial index.
const deletedWithText = sql`deleted = 1 and content is not null`

/** Records the time of deletion for versions that lack it. `now`: epoch milliseconds. */
export async function noteDeletedVersions(db: Db, now: number): Promise<void> {
  await sql`update prompt_versions set deleted_at = ${now}
    where ${deletedWithText} and deleted_at is null`.execute(db)
}

/**
 * Deletes the texts of up to `max` versions that were deleted before then (epoch milliseconds), and returns how many. What
 * is needed to interpret later events is kept.
 */
export async function dropDeletedTexts(
  db: Db,
  { before, max }: { before: number; max: number },
): Promise<number> {
  const { numAffectedRows } = await sql`update prompt_versions set content = null, content_event = null
    where (project_id, name, version) in (
      select project_id, name, version from prompt_versions
      where ${deletedWithText} and deleted_at < ${before} limit ${sql.lit(max)}
    )`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/**
 * Looks at up to `max` words after this one in SQLite's list of words, and deletes those that no change contains any more.
 * Returns the last word it looked at (null: there are no more).
 */
export async function forgetWords(
  db: Db,
  { after, max }: { after: string; max: number },
): Promise<string | null> {
  const words = await db
    .selectFrom('search_words')
    .select('word')
    .where('word', '>', after)
    .orderBy('word')
    .limit(max)
    .execute()
  const last = words.at(-1)?.word ?? null
  if (last === null) return null
  // Words are only letters, marks and digits, so nothing in them ends the quotes.
  await sql`delete from search_words where word > ${after} and word <= ${last}
    and not exists (select 1 from search where search match '"' || word || '"')`.execute(db)
  return last
}
