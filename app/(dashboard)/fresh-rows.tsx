'use server'

import { database } from '#lib/db/client.ts'
import { changesByIds } from '#lib/db/live.ts'
import { isSignedIn, requireOrigin } from '#lib/session.ts'
import { changeIds } from '../_components/live-query.ts'
import { rowMark } from '../_components/row-mark.ts'
import { ChangeRow } from './change-row.tsx'
import { deliveryContexts } from './delivery-context.ts'
import type { LiveRow } from './live-list.tsx'

/** These rows as they stand now. Made here, so that the browser needs no code for what a row looks like. */
export async function freshRows(ids: string[]): Promise<LiveRow[]> {
  await requireOrigin()
  if (!(await isSignedIn())) return []
  const asked = changeIds.safeParse(ids)
  if (!asked.success) return []
  const db = await database()
  const now = Date.now()
  const contextOf = await deliveryContexts(db, now)
  const rows = await changesByIds(db, asked.data)
  return rows.map((row) => ({
    id: row.change.id,
    mark: rowMark(row, contextOf),
    row: <ChangeRow {...row} now={now} contextOf={contextOf} />,
  }))
}
