import { emptyDetail } from '../../core/change/change.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { newChange, openKeyedChange } from '../../store/tables/changes.ts'
import { countFailed } from '../../store/tables/deliveries.ts'
import { lockTarget, updateTarget } from '../../store/tables/targets.ts'
import { failureReasons } from '../../store/views/open-failures.ts'
import type { Interpretation } from './interpret.ts'

/** Deliveries to one target that were given up are reported together, at most once in this time. */
const everyMs = 3_600_000

/** Opens the change that reports it, which settles at once, or an hour after the previous report. */
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

/** Counts the deliveries that were given up since the previous report, with their reasons. */
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
      message: 'They are kept. Fix the cause, then replay or dismiss them in the dashboard.',
      problems: reasons.map((one) =>
        reasons.length === 1 ? one.reason : `${one.count} times: ${one.reason}`,
      ),
    },
  }
}
