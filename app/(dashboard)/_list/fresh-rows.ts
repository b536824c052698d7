'use server'

import { isSignedIn, requireOrigin } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { listedChanges } from '#lib/store/views/listed-changes.ts'
import { deliveryContexts } from '../_words/delivery-context.ts'
import { knownProjects } from '../_words/projects.ts'
import { changeIds } from './live-query.ts'
import { type RowWords, rowWords } from './row-words.ts'

/** The current content of these rows. */
export async function freshRows(ids: string[]): Promise<RowWords[]> {
  await requireOrigin()
  if (!(await isSignedIn())) return []
  const known = changeIds.safeParse(ids)
  if (!known.success) return []
  const db = await database()
  const now = Date.now()
  const contextOf = await deliveryContexts(db, now)
  const directory = await knownProjects(db)
  const rows = await listedChanges(db, known.data)
  return rows.map((row) => rowWords(row, { now, directory, contextOf }))
}
