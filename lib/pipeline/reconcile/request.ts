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

/**
 * A person lets deletions be reported that were held back. False: they are not the ones that the person has seen (`seen`),
 * or none are held.
 */
export async function confirmHeld(
  db: Db,
  project: Named,
  { seen, now }: { seen: { versions: number; since: number }; now: number },
): Promise<boolean> {
  const key = await keyOf(db, project)
  const held = key && (await readLook(db, key)).state.held
  if (!held || held.versions !== seen.versions || held.since !== seen.since) return false
  await confirmDeletions(db, key, now)
  await wakeLook(db, project.name, now)
  return true
}
