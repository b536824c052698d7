import type { Change, EndedAlert } from '../../core/change/change.ts'
import type { Db } from '../../store/client.ts'
import { type MonitorChange, monitorChanges } from '../../store/tables/monitors.ts'

interface Monitor {
  projectId: string
  monitorId: string
}

/** The end of an alert. `at`: when its monitor ran, epoch milliseconds. */
export interface Recovery {
  changeId: string
  at: number
  forMs: number
}

/**
 * The first alert since the monitor last recovered, before a run at `at`. Changes of the same time or later are ignored: two
 * automations send one run twice, and an old recovery may arrive late.
 */
function openAlert(history: MonitorChange[], at: number): MonitorChange | null {
  const before = history.filter((one) => one.at < at)
  const well = before.findLastIndex(({ kind }) => kind === 'recovered')
  return before.slice(well + 1).find(({ kind }) => kind === 'alert') ?? null
}

/** The alert that a recovery ends; null: none is known. */
export async function alertEndedBy(db: Db, recovery: Monitor & { at: number }): Promise<EndedAlert | null> {
  const alert = openAlert(await monitorChanges(db, recovery), recovery.at)
  if (!alert) return null
  return { changeId: alert.id, title: alert.title, since: alert.at, forMs: recovery.at - alert.at }
}

/** The recovery that ended an alert, even if it arrived first; null: the change is no alert, or still lasts. */
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
