import { type Db, isPostgres } from '../client.ts'
import type { ChangeRow } from '../schema.ts'
import { openKeyedChange } from './changes.ts'

type Open = Pick<ChangeRow, 'id' | 'detail' | 'event_count'>

/** Opens this change unless one is open under its key. Returns the open one, locked for this transaction. */
export async function openBurst(trx: Db, row: ChangeRow): Promise<Open> {
  for (let round = 0; round < 3; round++) {
    await openKeyedChange(trx, row)
    const query = trx
      .selectFrom('changes')
      .select(['id', 'detail', 'event_count'])
      .where('open_key', '=', row.open_key)
    const open = await (isPostgres(trx) ? query.forUpdate() : query).executeTakeFirst()
    // Another instance settled it between the two: the next round opens a new one.
    if (open) return open
  }
  throw new Error('A burst was settled three times while it was being opened')
}

export async function growBurst(
  trx: Db,
  id: string,
  grown: Pick<ChangeRow, 'detail' | 'event_count' | 'title'>,
): Promise<void> {
  await trx.updateTable('changes').set(grown).where('id', '=', id).execute()
}

/** When the last burst of this name settled; null: none is stored. */
export async function lastToldBurst(
  db: Db,
  { kind, project_id, subject }: Pick<ChangeRow, 'kind' | 'project_id' | 'subject'>,
): Promise<number | null> {
  const row = await db
    .selectFrom('changes')
    .select('settled_at')
    .where('subject', '=', subject)
    .where('project_id', '=', project_id)
    .where('kind', '=', kind)
    .where('settled_at', 'is not', null)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.settled_at ?? null
}
