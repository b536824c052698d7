import { automationsUrl } from '../../core/change/links.ts'
import type { ProjectDirectory } from '../../core/rules/project-directory.ts'
import type { ProjectSeen } from '../../core/trouble/project-watch.ts'
import type { Db } from '../../store/client.ts'
import { countsSince } from '../../store/tables/reconcile-counts.ts'
import { readProofs } from '../../store/views/proof.ts'

export interface FindingsOf {
  directory: ProjectDirectory
  /** When the newest event came that a secret signed for a project. */
  signers: readonly { projectId: string; at: number }[]
  /** When nothing ran; null: not lately. */
  away: ProjectSeen['away'][number] | null
  now: number
}

/** What comparing with Langfuse shows of each project that has keys, for the watch. */
export async function projectFindings(
  db: Db,
  { directory, signers, away, now }: FindingsOf,
): Promise<ProjectSeen[]> {
  const projects = directory.projects.filter(({ keys }) => keys !== null)
  if (projects.length === 0) return []
  const totals = await countsSince(db, '')
  return (await readProofs(db, projects, now)).map(({ project, lease, state, outage, recent }) => {
    const id = project.id ?? lease?.projectId ?? directory.idOf(project.name)
    const signed = signers.filter(({ projectId }) => projectId === id).map(({ at }) => at)
    return {
      name: project.name,
      isOnly: directory.projects.length === 1,
      id,
      url: id === null ? null : automationsUrl(project.webUrl, id),
      signedAt: signed.length === 0 ? null : Math.max(...signed),
      missed: (id !== null && totals.get(id)?.missing?.count) || 0,
      missedAt: recent.missing?.lastAt ?? null,
      away: [outage, away].flatMap((one) => (one === null ? [] : [{ from: one.from, to: one.to }])),
      otherId: lease?.otherId ?? null,
      held: state.held,
    }
  })
}
