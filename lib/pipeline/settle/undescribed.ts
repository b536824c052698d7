import { longDuration } from '../../base/duration.ts'
import { emptyDetail } from '../../core/change/change.ts'
import type { ChangeRow } from '../../store/schema.ts'
import type { Interpretation } from './interpret.ts'

/** Before each further try, milliseconds. A bug seldom goes by itself, and all later events of its prompt wait with it. */
const waits = [10_000, 60_000, 300_000]

/** How long a change that failed to settle so often in a row waits for the next try; null: it is to be given up. */
export const waitAfter = (failures: number): number | null =>
  failures === 0 ? 0 : (waits[failures - 1] ?? null)

/** Why it could not be described. `firstAt`: of the first failure, epoch milliseconds. */
export interface Undescribed {
  failures: number
  firstAt: number
  reason: string
  events: number
}

/** What is said of a change that cannot be interpreted. */
export function describeUndescribed(
  { subject, project_id: projectId, version }: Pick<ChangeRow, 'subject' | 'project_id' | 'version'>,
  { failures, firstAt, reason, events }: Undescribed,
  now: number,
): Interpretation {
  const tries = failures === 1 ? 'once' : `${failures} times in ${longDuration(now - firstAt)}`
  const kept = events === 1 ? 'Its event is kept' : `Its ${events} events are kept`
  const what = subject === '' ? 'A change' : `A change of ${subject}`
  return {
    kind: 'undescribed',
    title: `${what} could not be described`,
    danger: true,
    actor: null,
    version: projectId === null ? null : version,
    detail: {
      ...emptyDetail,
      facts: [{ kind: 'undescribed', failures, events }],
      message: `Interpreting it failed ${tries}. ${kept}. No rule was applied to it. On its page its events can be interpreted again, after an update of the relay for example.`,
      problems: [reason],
    },
  }
}
