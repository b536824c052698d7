'use server'

import { database } from '#lib/db/client.ts'
import { changesByIds } from '#lib/db/live.ts'
import { isSignedIn, requireOrigin } from '#lib/session.ts'
import { changeIds } from '../_components/live-query.ts'
import { deliveryContexts } from './delivery-context.ts'
import { type RowWords, rowWords } from './row-words.ts'

/** What these rows say now. */
export async function freshRows(ids: string[]): Promise<RowWords[]> {
  await requireOrigin()
  if (!(await isSignedIn())) return []
  const asked = changeIds.safeParse(ids)
  if (!asked.success) return []
  const db = await database()
  const now = Date.now()
  const contextOf = await deliveryContexts(db, now)
  const rows = await changesByIds(db, asked.data)
  return rows.map((row) => rowWords(row, { now, contextOf }))
}
