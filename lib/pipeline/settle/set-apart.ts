import { longDuration } from '../../base/duration.ts'
import { isStatementTimeout, isStoreFailure } from '../../base/store-error.ts'
import { emptyDetail } from '../../core/change/change.ts'
import type { Routes } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { claimChanges, postponeChanges } from '../../store/tables/changes.ts'
import { eventHeads } from '../../store/tables/events.ts'
import { noteFailure } from '../../store/tables/settle-failures.ts'
import { noteUnsettled } from '../journal.ts'
import type { Interpretation } from './interpret.ts'
import { type AfterCommit, writeSettlement } from './write-settlement.ts'

/** Before each further try, milliseconds. A bug seldom goes by itself, and all later events of its prompt wait with it. */
const waits = [10_000, 60_000, 300_000]
/** A change that cannot even be settled as one that could not be described is tried again after this long. */
const hopelessMs = 3_600_000
/** A change at which a statement took too long, in case that the store has not fallen silent. */
const timedOutMs = 5000
/** Characters of an error. */
const maxReason = 300

/** How long a change that failed to settle so often in a row waits for the next try; null: it is to be given up. */
export const waitAfter = (failures: number): number | null =>
  failures === 0 ? 0 : (waits[failures - 1] ?? null)

interface Deps {
  db: Db
  routes: Routes
  now: () => number
}

/**
 * Counts a failure against the change that was being settled. It is tried again later or, after some failures, settled as
 * what it is: not described. Gives its id. Throws the error where it is not the change's: the store has failed.
 */
export async function setApart(deps: Deps, row: ChangeRow, error: unknown): Promise<string> {
  const { db, now } = deps
  if (isStoreFailure(error)) {
    // It must not be the first again, in case that it is too much for a statement.
    if (isStatementTimeout(error))
      await postponeChanges(db, [row.id], now() + timedOutMs).catch(() => undefined)
    throw error
  }
  const reason = String(error instanceof Error ? error.message : error)
    .slice(0, maxReason)
    .toWellFormed()
  const { failures, first_at: firstAt } = await noteFailure(db, row.id, { at: now(), reason })
  const waitMs = waitAfter(failures)
  noteUnsettled({ changeId: row.id, failures, isLast: waitMs === null }, error)
  if (waitMs === null) await giveUp(deps, row, { failures, firstAt, reason })
  else await postponeChanges(db, [row.id], now() + waitMs)
  return row.id
}

/** `firstAt`: of the first failure, epoch milliseconds. */
interface Failed {
  failures: number
  firstAt: number
  reason: string
}

async function giveUp({ db, routes, now }: Deps, { id }: ChangeRow, failed: Failed): Promise<void> {
  const notes: AfterCommit[] = []
  try {
    await db.transaction().execute(async (trx) => {
      const [row] = await claimChanges(trx, { now: now(), id })
      if (!row) return
      const events = await eventHeads(trx, id)
      const interpretation = undescribed(row, { ...failed, events: events.length }, now())
      const context = { routes, now: now(), afterCommit: (note: AfterCommit) => notes.push(note) }
      await writeSettlement(trx, { row, interpretation, events, parsed: [] }, context)
    })
  } catch (error) {
    if (isStoreFailure(error)) throw error
    noteUnsettled({ changeId: id, failures: failed.failures, isLast: true }, error)
    await postponeChanges(db, [id], now() + hopelessMs)
  }
  for (const note of notes) note(now())
}

function undescribed(
  { subject, project_id: projectId, version }: ChangeRow,
  { failures, firstAt, reason, events }: Failed & { events: number },
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
