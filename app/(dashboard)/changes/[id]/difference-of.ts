import type { Change } from '#lib/core/change/change.ts'
import { compareVersions, inFull, type VersionDifference } from '#lib/core/difference/compare-versions.ts'
import { comparedVersions } from '#lib/pipeline/settle/interpret.ts'
import { versionText } from '#lib/pipeline/settle/version-text.ts'
import type { Db } from '#lib/store/client.ts'

/**
 * The difference that a change is about, in full where both texts are in the store, else what was stored with the
 * change. A text that was not known then may be known by now.
 */
export async function differenceOf(
  db: Db,
  { detail, projectId, subject }: Change,
): Promise<VersionDifference | string | null> {
  const { difference, facts } = detail
  if (difference === null || projectId === null) return null
  const read = (version: number) => versionText(db, { projectId, name: subject }, version)
  if (typeof difference === 'object')
    return inFull(difference, await read(difference.fromVersion), await read(difference.toVersion))
  const pair = comparedVersions(facts, [])
  const before = pair && (await read(pair.from))
  const after = pair && (await read(pair.to))
  if (!before || !after) return difference
  return compareVersions({ version: pair.from, ...before }, { version: pair.to, ...after })
}
