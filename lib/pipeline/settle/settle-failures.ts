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

/** Pause before each further try, milliseconds. A bug seldom goes away, and later events of the prompt wait meanwhile. */
const waits = [10_000, 60_000, 300_000]
/** Pause before a change is tried again that cannot even be settled as not described. */
const hopelessMs = 3_600_000
/** Pause after a statement took too long, in case the change is the cause and not the store. */
const timedOutMs = 5000
/** Characters of an error. */
const maxReason = 300

/** How long a change waits after this many failures in a row; null: give up. */
export const waitAfter = (failures: number): number | null =>
  failures === 0 ? 0 : (waits[failures - 1] ?? null)

interface Deps {
  db: Db
  routes: Routes
  now: () => number
}

/**
 * Counts a failure against the change that was being settled. It is tried again later or, after several failures, settled as
 * not described. Returns its id. Throws the error if the store failed, not the change.
 */
export async function setApart(deps: Deps, row: ChangeRow, error: unknown): Promise<string> {
  const { db, now } = deps
  if (isStoreFailure(error)) {
    // It must not be the first again, in case it is too large for a statement.
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
      message: `Interpreting it failed ${tries}. ${kept}. No rule was applied to it. It can be interpreted again from its page, for example after an update of the relay.`,
      problems: [reason],
    },
  }
}
