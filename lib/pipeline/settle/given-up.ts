import { emptyDetail } from '../../core/change/change.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { newChange, openKeyedChange } from '../../store/tables/changes.ts'
import { countFailed } from '../../store/tables/deliveries.ts'
import { lockTarget, updateTarget } from '../../store/tables/targets.ts'
import { failureReasons } from '../../store/views/open-failures.ts'
import type { Interpretation } from './interpret.ts'

/** What one target gave up is told together, once in this time. */
const everyMs = 3_600_000

/**
 * Notes that deliveries to a target were given up: opens a change of the relay's own, which settles at once or,
 * after an announcement, when its hour has passed.
 */
export async function noteGivenUp(
  db: Db,
  target: string,
  announcedAt: number | null,
  now: number,
): Promise<void> {
  const dueAt = Math.max(now, (announcedAt ?? 0) + everyMs)
  const openKey = `given-up:${target}`
  const title = `Deliveries to ${target} were given up`
  await openKeyedChange(
    db,
    newChange({ now, dueAt, openKey, kind: 'given-up', subject: target, title, danger: true }),
  )
}

/** Says how many deliveries to the target were given up since the last announcement, and why. */
export async function interpretGivenUp(
  db: Db,
  { subject: target }: ChangeRow,
  now: number,
): Promise<Interpretation> {
  const { announced_at } = await lockTarget(db, target)
  const count = await countFailed(db, target, announced_at ?? 0)
  const reasons = await failureReasons(db, target, announced_at ?? 0)
  await updateTarget(db, target, { announced_at: now })
  const many = count === 1 ? '1 delivery' : `${count} deliveries`
  return {
    kind: 'given-up',
    title: `${many} to ${target} given up`,
    danger: true,
    actor: null,
    version: null,
    detail: {
      ...emptyDetail,
      facts: [{ kind: 'given-up', target, count }],
      message: 'They are kept. Fix what the reason names, then replay them or dismiss them on the page.',
      problems: reasons.map((one) =>
        reasons.length === 1 ? one.reason : `${one.count} times: ${one.reason}`,
      ),
    },
  }
}
