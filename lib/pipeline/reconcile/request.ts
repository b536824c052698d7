import type { LookReason } from '../../core/reconcile/state.ts'
import type { LangfuseProject } from '../../core/rules/projects.ts'
import type { Db } from '../../store/client.ts'
import {
  confirmDeletions,
  type LookKey,
  readLease,
  readLook,
  requestFullLook,
  wakeLook,
} from '../../store/tables/looks.ts'
import { countDeletions } from '../../store/tables/prompt-looks.ts'

type Named = Pick<LangfuseProject, 'name' | 'id' | 'baseUrl'>

/** The project as looks know it; null: its id is not known yet, so that its first look is still to come. */
async function keyOf(db: Db, { name, id, baseUrl }: Named): Promise<LookKey | null> {
  const projectId = id ?? (await readLease(db, name))?.projectId ?? null
  return projectId === null ? null : { baseUrl, projectId }
}

/** Asks for a full look at each of these projects, as soon as an instance can. Returns those that looks know. */
export async function requestLooks(
  db: Db,
  projects: readonly Named[],
  { why, now }: { why: LookReason; now: number },
): Promise<LookKey[]> {
  const known: LookKey[] = []
  for (const project of projects) {
    const key = await keyOf(db, project)
    if (!key) continue
    known.push(key)
    await requestFullLook(db, key, { why, at: now })
    await wakeLook(db, project.name, now)
  }
  return known
}

/** Deletions that are held back, as a page showed them to a person. */
export interface SeenDeletions {
  versions: number
  /** Since when they are held. */
  since: number
  /** When the page was made. */
  seenAt: number
}

/**
 * A person lets deletions be reported that were held back: those that the page showed, and nothing that was found since.
 * False: they are not the same any more, or none are held.
 */
export async function confirmHeld(
  db: Db,
  project: Named,
  { seen, now }: { seen: SeenDeletions; now: number },
): Promise<boolean> {
  const key = await keyOf(db, project)
  if (!key || seen.seenAt > now) return false
  const isConfirmed = await db.transaction().execute(async (trx) => {
    const { held } = (await readLook(trx, key)).state
    if (!held || held.since !== seen.since) return false
    const pending = await countDeletions(trx, key.projectId, seen.seenAt)
    if (pending.seen !== seen.versions) return false
    await confirmDeletions(trx, key, seen.seenAt)
    return true
  })
  if (isConfirmed) await wakeLook(db, project.name, now)
  return isConfirmed
}
