import { pollName } from '../core/polling/state.ts'
import type { ProjectDirectory } from '../core/rules/project-directory.ts'
import type { Db } from '../store/client.ts'
import { projectIdsOfLooks } from '../store/tables/looks.ts'
import { projectIdsOfPolls } from '../store/tables/polls.ts'

/**
 * Learns which ids Langfuse named for the keys of projects whose ids are not known yet. Returns the names of those that it
 * was asked for in vain. The id that a project was compared with stays, whatever its keys name now: webhooks of both projects
 * would be refused if the keys of two were swapped.
 */
export async function learnProjectIds(db: Db, directory: ProjectDirectory): Promise<string[]> {
  const unknown = directory.projects.flatMap(({ name, baseUrl, keys }) =>
    keys === null || directory.idOf(name) !== null
      ? []
      : [{ name, baseUrl, poll: pollName({ baseUrl, publicKey: keys.publicKey }) }],
  )
  if (unknown.length === 0) return []
  const compared = await projectIdsOfLooks(db, unknown)
  const found = await projectIdsOfPolls(
    db,
    unknown.map(({ poll }) => poll),
  )
  return unknown.flatMap(({ name, poll }) => {
    const id = compared.get(name) ?? found.get(poll)
    if (id) directory.learn(name, id)
    return id === null ? [name] : []
  })
}

/** A read for each of these, not for each event. */
const againMs = 5000

/**
 * The same for the endpoint, before the loop of this process has learned them, as in a function that has just started. At
 * most once in 5 s: until then, everyone waits for the same answer. Never throws.
 */
export function idLearner(learn: () => Promise<unknown>, now: () => number): () => Promise<void> {
  let begun: { at: number; ended: Promise<void> } | null = null
  return () => {
    const time = now()
    if (begun === null || Math.abs(time - begun.at) >= againMs)
      begun = {
        at: time,
        ended: learn().then(
          () => undefined,
          () => undefined,
        ),
      }
    return begun.ended
  }
}
