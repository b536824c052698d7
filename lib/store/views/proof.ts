import { jsonOf } from '../../base/json.ts'
import { type ProofSeen, proofDays } from '../../core/reconcile/proof.ts'
import { freshLook, leaseState } from '../../core/reconcile/state.ts'
import type { Db } from '../client.ts'
import { chunksOf } from '../statement.ts'
import { leaseName, readLooks } from '../tables/looks.ts'
import { doubtsByProject, unreadByProject } from '../tables/prompt-looks.ts'
import { countsSince, dayOf } from '../tables/reconcile-counts.ts'

const dayMs = 86_400_000

/** What is known of the comparisons of each project: six reads, however many projects there are. */
export async function readProofs<Project extends ProofSeen['project'] & { baseUrl: string }>(
  db: Db,
  projects: readonly Project[],
  now: number,
): Promise<(ProofSeen & { project: Project })[]> {
  const names = projects.map(({ name }) => name)
  const [leases, doubts, unread, today, recent] = await Promise.all([
    readLeases(db, names),
    doubtsByProject(db),
    unreadByProject(db),
    countsSince(db, dayOf(now)),
    countsSince(db, dayOf(now - (proofDays - 1) * dayMs)),
  ])
  const idOf = ({ id, name }: Project): string | null => id ?? leases.get(name)?.projectId ?? null
  const looks = await readLooks(
    db,
    projects.flatMap((project) => idOf(project) ?? []),
  )
  return projects.map((project) => {
    const lease = leases.get(project.name) ?? null
    const id = idOf(project)
    const look = looks.find(({ baseUrl, projectId }) => baseUrl === project.baseUrl && projectId === id)
    return {
      ...{ project, lease, state: look?.state ?? freshLook, outage: look?.outage ?? null },
      isRequested: look?.requested != null,
      doubts: (id !== null && doubts.get(id)) || 0,
      unread: (id !== null && unread.get(id)) || null,
      today: (id !== null && today.get(id)) || {},
      recent: (id !== null && recent.get(id)) || {},
    }
  })
}

async function readLeases(db: Db, names: readonly string[]): Promise<Map<string, ProofSeen['lease']>> {
  const found = new Map<string, ProofSeen['lease']>()
  for (const some of chunksOf(names, 1)) {
    const byLease = new Map(some.map((name) => [leaseName(name), name]))
    const rows = await db
      .selectFrom('polls')
      .select(['name', 'state'])
      .where('name', 'in', [...byLease.keys()])
      .execute()
    for (const { name, state } of rows)
      found.set(byLease.get(name) ?? '', leaseState.safeParse(jsonOf(state)).data ?? null)
  }
  return found
}
