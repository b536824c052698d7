import type { LangfuseProject } from '../../core/rules/projects.ts'
import type { Db } from '../../store/client.ts'
import { beat, readHeartbeat } from '../../store/tables/heartbeat.ts'
import { readLook, saveOutage } from '../../store/tables/looks.ts'
import { restoreOutage, takeOutage } from './outage.ts'
import { requestLooks } from './request.ts'

/** Without a sign of any instance for this long, webhooks had no one to arrive at. */
const awayMs = 2 * 60_000
/** On a store that an instance which sends used within this time, a dry one compares nothing. */
const liveMs = 10 * 60_000
/** A function that lives for a request does not note it each time. */
const oftenMs = 60_000
/** Server errors closer together than this are one outage. */
const oneOutageMs = 10 * 60_000

export interface PresenceDeps {
  db: Db
  now: () => number
  /** Those that are compared with Langfuse. */
  projects: readonly LangfuseProject[]
  isDry: boolean
  /** It runs all the time. */
  isResident: boolean
}

/**
 * Notes that this instance is there. After a time without any, and after the endpoint has answered with server errors,
 * webhooks may have been lost, so everything is compared. Returns whether something was asked for.
 */
export async function notePresence({ db, now, projects, isDry, isResident }: PresenceDeps): Promise<boolean> {
  const at = now()
  const { liveAt } = await readHeartbeat(db)
  const isFresh = liveAt !== null && Math.abs(at - liveAt) < oftenMs
  // A preview says nothing about the instances that webhooks arrive at.
  if ((isDry && !isAloneAt(liveAt, at)) || (!isResident && isFresh)) return noteOutage({ db, projects }, at)
  const before = await beat(db, { ...(isResident && { residentAt: at }), ...(!isDry && { liveAt: at }) })
  const last = before?.residentAt ?? null
  const wasAway = isResident && last !== null && at - last > awayMs
  if (wasAway) await requestLooks(db, projects, { why: 'away', now: at })
  return (await noteOutage({ db, projects }, at)) || wasAway
}

async function noteOutage(
  { db, projects }: Pick<PresenceDeps, 'db' | 'projects'>,
  now: number,
): Promise<boolean> {
  const found = takeOutage()
  if (!found) return false
  try {
    for (const key of await requestLooks(db, projects, { why: 'outage', now })) {
      const { outage: known } = await readLook(db, key)
      const isSame = known !== null && found.from - known.to < oneOutageMs
      await saveOutage(db, key, isSame ? { ...found, from: Math.min(known.from, found.from) } : found)
    }
    return true
  } catch (error) {
    restoreOutage(found)
    throw error
  }
}

const isAloneAt = (liveAt: number | null, now: number): boolean => liveAt === null || now - liveAt > liveMs

/** Whether a dry instance may compare: it uses a store that no live one uses. */
export const isAlone = async (db: Db, now: number): Promise<boolean> =>
  isAloneAt((await readHeartbeat(db)).liveAt, now)
