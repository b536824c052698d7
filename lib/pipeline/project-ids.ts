import { pollName } from '../core/polling/state.ts'
import type { ProjectDirectory } from '../core/rules/project-directory.ts'
import type { Db } from '../store/client.ts'
import { projectIdsOfPolls } from '../store/tables/polls.ts'

/**
 * Learns which ids Langfuse named for the keys of projects whose ids are not known yet. Returns the names of those that it
 * was asked for in vain.
 */
export async function learnProjectIds(db: Db, directory: ProjectDirectory): Promise<string[]> {
  const unknown = directory.projects.flatMap(({ name, baseUrl, keys }) =>
    keys === null || directory.idOf(name) !== null
      ? []
      : [{ name, poll: pollName({ baseUrl, publicKey: keys.publicKey }) }],
  )
  if (unknown.length === 0) return []
  const found = await projectIdsOfPolls(
    db,
    unknown.map(({ poll }) => poll),
  )
  return unknown.flatMap(({ name, poll }) => {
    const id = found.get(poll)
    if (id) directory.learn(name, id)
    return id === null ? [name] : []
  })
}
