'use server'

import { isSignedIn, requireOrigin } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { changesByIds } from '#lib/store/views/live.ts'
import { deliveryContexts } from '../_words/delivery-context.ts'
import { changeIds } from './live-query.ts'
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
