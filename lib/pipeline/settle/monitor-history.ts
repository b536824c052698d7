import type { Change, EndedAlert } from '../../core/change/change.ts'
import type { Db } from '../../store/client.ts'
import { type MonitorChange, monitorChanges } from '../../store/tables/monitors.ts'

interface Monitor {
  projectId: string
  monitorId: string
}

/** The end of an alert. `at`: when its monitor saw it, epoch milliseconds. */
export interface Recovery {
  changeId: string
  at: number
  forMs: number
}

/**
 * The first alert since the monitor was last well, at the time of a run at `at`. Whatever came at the same time or
 * later is left out: two automations tell of one run twice, and an old recovery may come late.
 */
function openAlert(history: MonitorChange[], at: number): MonitorChange | null {
  const before = history.filter((one) => one.at < at)
  const well = before.findLastIndex(({ kind }) => kind === 'recovered')
  return before.slice(well + 1).find(({ kind }) => kind === 'alert') ?? null
}

/** The alert that a recovery ends; null where none is known. */
export async function alertEndedBy(db: Db, recovery: Monitor & { at: number }): Promise<EndedAlert | null> {
  const alert = openAlert(await monitorChanges(db, recovery), recovery.at)
  if (!alert) return null
  return { changeId: alert.id, title: alert.title, since: alert.at, forMs: recovery.at - alert.at }
}

/** What ended an alert, also where its recovery was told first; null for other changes and while it lasts. */
export async function recoveryOf(db: Db, change: Change): Promise<Recovery | null> {
  const alert = change.detail.facts.find((fact) => fact.kind === 'alert')
  if (!alert || change.projectId === null) return null
  const history = await monitorChanges(db, { projectId: change.projectId, monitorId: alert.monitorId })
  const own = history.find(({ id }) => id === change.id)
  if (!own) return null
  const end = history.find(({ kind, at }) => kind === 'recovered' && at > own.at)
  const since = end && openAlert(history, end.at)?.at
  return end ? { changeId: end.id, at: end.at, forMs: end.at - (since ?? own.at) } : null
}
