import { isObserved } from '../../core/change/observed.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { insertChange, lockChange, newChange, saveDetail, toChange } from '../../store/tables/changes.ts'
import { eventTypes, moveEvents } from '../../store/tables/events.ts'

/**
 * Moves the events of a change that could not be described to a new change, due at once; the old one stays, with the id of
 * the new one. Returns that id. Null: there is no such change, this was done before, or its events are traces and scores,
 * which are counted on arrival.
 */
export async function reinterpret(db: Db, changeId: string, now: number): Promise<string | null> {
  return db.transaction().execute(async (trx) => {
    const row = await lockChange(trx, changeId)
    if (row?.kind !== 'undescribed' || row.status !== 'settled') return null
    const { detail } = toChange(row)
    const types = await eventTypes(trx, changeId)
    if (detail.reinterpretedAs !== undefined || types.length === 0) return null
    if (types.some((type) => isObserved({ type }))) return null
    const fresh = freshChange(row, now, types.length)
    await insertChange(trx, fresh)
    await moveEvents(trx, changeId, fresh.id)
    await saveDetail(trx, changeId, { ...detail, reinterpretedAs: fresh.id })
    return fresh.id
  })
}

/** Without a key: new events open another change. */
const freshChange = (
  { subject, project_id: projectId, version, actor, test }: ChangeRow,
  now: number,
  eventCount: number,
): ChangeRow => newChange({ now, subject, projectId, version, actor, test: test === 1, eventCount })
