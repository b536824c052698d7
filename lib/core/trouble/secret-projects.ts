import { z } from 'zod'

/** Which projects' events were signed with a secret, known by its last four characters. */
export const secretProjects = z.object({ hint: z.string(), projectIds: z.array(z.string()) })
export type SecretProjects = z.output<typeof secretProjects>

/** A secret that had signed for one project only, and now signs for another. Times in epoch milliseconds. */
export const foreignSigner = z.object({
  hint: z.string(),
  projectId: z.string(),
  otherId: z.string(),
  since: z.number(),
  lastAt: z.number(),
})
export type ForeignSigner = z.output<typeof foreignSigner>

export interface Signer {
  hint: string
  projectId: string
}

const maxSecrets = 50
const maxProjects = 20
/** Without an event of the other project for so long, it is over. */
const overAfterMs = 24 * 3_600_000

/** What the newest events add to what is known. `known`: null where nobody has looked yet: then all of it is how it always was. */
export function learnSigners(
  known: readonly SecretProjects[] | null,
  foreign: readonly ForeignSigner[],
  { signers, now }: { signers: readonly Signer[]; now: number },
): { secrets: SecretProjects[]; foreign: ForeignSigner[] } {
  const byHint = new Map((known ?? []).map(({ hint, projectIds }) => [hint, projectIds]))
  const seen = Map.groupBy(signers, ({ hint }) => hint)
  const fresh: ForeignSigner[] = []
  for (const [hint, of] of seen) {
    const before = byHint.get(hint) ?? []
    const others = [...new Set(of.map(({ projectId }) => projectId))].filter((id) => !before.includes(id))
    const [own] = before
    // Where two were known, or come at once with the first look, it never was the secret of one.
    if (own !== undefined && before.length === 1)
      for (const otherId of others) fresh.push({ hint, projectId: own, otherId, since: now, lastAt: now })
    byHint.set(hint, [...before, ...others].slice(0, maxProjects))
  }
  const isSeen = ({ hint, otherId }: ForeignSigner) =>
    signers.some((one) => one.hint === hint && one.projectId === otherId)
  const going = foreign
    .map((one) => (isSeen(one) ? { ...one, lastAt: now } : one))
    .filter(({ lastAt }) => now - lastAt < overAfterMs)
  return {
    secrets: [...byHint].slice(0, maxSecrets).map(([hint, projectIds]) => ({ hint, projectIds })),
    foreign: [...going, ...fresh].slice(0, maxSecrets),
  }
}
