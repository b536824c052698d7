import type { ChangeDetail } from '../../core/change/change.ts'
import { isObserved } from '../../core/change/observed.ts'
import { type Db, isPostgres } from '../../store/client.ts'
import { type ChangeRow, changeColumns } from '../../store/schema.ts'
import { newChange } from '../../store/tables/changes.ts'

/**
 * Moves the events of a change that could not be described to a new change, due at once; the old one stays, with the id of
 * the new one. Returns that id. Null: there is no such change, this was done before, or its events are traces and scores,
 * which are counted on arrival.
 */
export async function reinterpret(db: Db, changeId: string, now: number): Promise<string | null> {
  return db.transaction().execute(async (trx) => {
    const query = trx.selectFrom('changes').select(changeColumns).where('id', '=', changeId)
    const row = await (isPostgres(trx) ? query.forUpdate() : query).executeTakeFirst()
    if (row?.kind !== 'undescribed' || row.status !== 'settled') return null
    const detail = JSON.parse(row.detail) as ChangeDetail
    const events = await trx
      .selectFrom('events')
      .select(['id', 'type'])
      .where('change_id', '=', changeId)
      .execute()
    if (detail.reinterpretedAs !== undefined || events.length === 0 || events.some(isObserved)) return null
    const fresh = freshChange(row, now, events.length)
    await trx.insertInto('changes').values(fresh).execute()
    await trx.updateTable('events').set({ change_id: fresh.id }).where('change_id', '=', changeId).execute()
    await trx
      .updateTable('changes')
      .set({ detail: JSON.stringify({ ...detail, reinterpretedAs: fresh.id }) })
      .where('id', '=', changeId)
      .execute()
    return fresh.id
  })
}

/** Without a key: new events open another change. */
const freshChange = (
  { subject, project_id: projectId, version, actor, test }: ChangeRow,
  now: number,
  eventCount: number,
): ChangeRow => newChange({ now, subject, projectId, version, actor, test: test === 1, eventCount })
