import type { Change } from '../change/change.ts'
import type { LangfuseProject } from './projects.ts'

/** The project whose webhook secret signed an event, against the one that the event names. */
export type Signed = 'right' | 'wrong' | 'unknown'

type OfProject = Pick<Change, 'projectId'> & { detail: Pick<Change['detail'], 'project'> }

/** The configured projects by their names and ids. */
export interface ProjectDirectory {
  projects: readonly LangfuseProject[]
  /** Each secret with the project that it signs for: with one only, or the configuration has a problem. */
  secrets: readonly { secret: string; projects: readonly LangfuseProject[] }[]
  /** Its id, as configured or as Langfuse named it for the keys; null: not known. */
  idOf: (name: string) => string | null
  /** The project with this id; null: none is known to have it. */
  withId: (id: string | null) => LangfuseProject | null
  /** What the operator calls the project with this id; null: nothing, so that its id is shown. */
  nameOf: (id: string | null) => string | null
  /** Where people open the project of a change. Null: not known, since projects are opened at several addresses. */
  webUrlOf: (change: OfProject) => string | null
  /** `unknown`: the id of the project that it was signed for is not known yet. */
  signedFor: (project: LangfuseProject, namedId: string | null) => Signed
  /** Langfuse named the project of its keys. */
  learn: (name: string, id: string) => void
}

/** What the operator calls the project of a change; null: nothing, so that its id is shown. */
export const projectNameOf = (
  directory: Pick<ProjectDirectory, 'nameOf'> | undefined,
  { projectId, detail }: OfProject,
): string | null => directory?.nameOf(projectId) ?? detail.project ?? null

function secretsOf(projects: readonly LangfuseProject[]): ProjectDirectory['secrets'] {
  const all = projects.flatMap((project) => project.webhookSecrets.map((secret) => ({ secret, project })))
  return [...Map.groupBy(all, ({ secret }) => secret)].map(([secret, of]) => ({
    secret,
    projects: of.map(({ project }) => project),
  }))
}

export function createDirectory(projects: readonly LangfuseProject[]): ProjectDirectory {
  const named = new Map<string, string>()
  const byName = new Map(projects.map((project) => [project.name, project]))
  const webUrls = new Set(projects.map(({ webUrl }) => webUrl))
  const [onlyWebUrl = null] = webUrls.size === 1 ? webUrls : []
  const idOf = (name: string): string | null => byName.get(name)?.id ?? named.get(name) ?? null
  const withId = (id: string | null): LangfuseProject | null =>
    id === null ? null : (projects.find(({ name }) => idOf(name) === id) ?? null)
  return {
    projects,
    secrets: secretsOf(projects),
    idOf,
    withId,
    nameOf: (id) => {
      const project = withId(id)
      // One project needs no name to tell it from others.
      return project === null || project.signsForAny ? null : project.name
    },
    webUrlOf: ({ projectId, detail }) =>
      (withId(projectId) ?? byName.get(detail.project ?? ''))?.webUrl ?? onlyWebUrl,
    signedFor: ({ name, signsForAny }, namedId) => {
      const id = idOf(name)
      if (signsForAny || namedId === null || id === namedId) return 'right'
      return id === null ? 'unknown' : 'wrong'
    },
    learn: (name, id) => named.set(name, id),
  }
}
