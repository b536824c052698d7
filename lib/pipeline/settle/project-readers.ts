import type { BudgetUse } from '../../core/polling/request-budget.ts'
import type { ProjectDirectory } from '../../core/rules/project-directory.ts'
import { readLabelHolder, readPromptVersion } from '../../langfuse/api/prompts.ts'
import { readTrace } from '../../langfuse/api/trace.ts'
import type { LangfuseAccess } from '../langfuse-access.ts'
import { createRest, type Readers, tracesWithRest, withRest } from './lookups.ts'

type ProjectReaders = Required<Omit<Readers, 'laneOf'>>

/** Each project has its own pause, so that one whose Langfuse does not answer delays no other. */
function readersOf({ api, draw }: LangfuseAccess, now: () => number): ProjectReaders {
  const rest = createRest(now)
  const traces = (use: BudgetUse) =>
    tracesWithRest(
      (request) => readTrace({ ...api, draw: (bucket) => draw(use, bucket) }, request),
      createRest(now),
    )
  // Invented ids, which Langfuse may fail at, must not delay others.
  const [ofLangfuse, ofStrangers] = [traces('callback'), traces('stranger')]
  return {
    readVersion: withRest((request) => readPromptVersion(api, request), rest),
    readLabel: withRest((request) => readLabelHolder(api, request), rest),
    readTrace: (request) => (request.isAnonymous ? ofStrangers(request) : ofLangfuse(request)),
  }
}

/** Reads what changes need with the keys of their projects. */
export function projectReaders(
  accesses: readonly LangfuseAccess[],
  { directory, now }: { directory: ProjectDirectory; now: () => number },
): Readers {
  const each = accesses.map((access) => ({ project: access.project, readers: readersOf(access, now) }))
  if (each.length === 0) return {}
  /** What Langfuse answers is used only if it names the same project, so keys whose project is not known may be tried. */
  const withKeysFor = (projectId: string) =>
    each.find(({ project }) => directory.idOf(project.name) === projectId) ??
    (directory.withId(projectId) === null
      ? each.find(({ project }) => project.signsForAny || directory.idOf(project.name) === null)
      : undefined)
  const readersFor = (projectId: string) => withKeysFor(projectId)?.readers
  return {
    readVersion: async (request) => (await readersFor(request.projectId)?.readVersion(request)) ?? null,
    readLabel: async (request) => (await readersFor(request.projectId)?.readLabel(request)) ?? null,
    readTrace: async (request) => (await readersFor(request.projectId)?.readTrace(request)) ?? null,
    laneOf: (projectId) => withKeysFor(projectId)?.project.name ?? '',
  }
}
