import type { Env } from '../../base/env.ts'
import { type Proof, proofOf } from '../../core/reconcile/proof.ts'
import type { Configuration } from '../../core/rules/configuration.ts'
import type { Db } from '../../store/client.ts'
import { readProofs } from '../../store/views/proof.ts'

export interface ProofsOf extends Pick<Configuration, 'problems'> {
  projects: Readonly<Configuration['projects']>
  env: Pick<Env, 'RECONCILE_SECONDS'>
}

/** What may be claimed now of the comparisons of each project. */
export async function proofsOf(
  db: Db,
  { env, projects, problems }: ProofsOf,
  { now, isServerless }: { now: number; isServerless: boolean },
): Promise<Proof[]> {
  const everyMs = env.RECONCILE_SECONDS * 1000
  const setting = { now, everyMs, isHeld: problems.length > 0, isServerless }
  return (await readProofs(db, projects, now)).map((seen) => proofOf(seen, setting))
}
