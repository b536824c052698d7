import { createDirectory, type ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { learnProjectIds } from '#lib/pipeline/project-ids.ts'
import { relay } from '#lib/relay.ts'
import type { Db } from '#lib/store/client.ts'

/** The configured projects, with the ids that Langfuse has named by now. */
export async function knownProjects(db: Db): Promise<ProjectDirectory> {
  const directory = relay().relay?.directory ?? createDirectory(currentConfiguration().projects)
  await learnProjectIds(db, directory)
  return directory
}
