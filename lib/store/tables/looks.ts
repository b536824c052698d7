import { jsonOf } from '../../base/json.ts'
import {
  freshLook,
  type LeaseState,
  type LookRequest,
  type LookState,
  leaseState,
  lookRequest,
  lookState,
  type Outage,
  outage,
} from '../../core/reconcile/state.ts'
import type { Db } from '../client.ts'
import { type LookRow, lookColumns } from '../schema.ts'
import { chunksOf } from '../statement.ts'
import { claimState, savePoll } from './polls.ts'

/** A project of one Langfuse server: its keys may be rotated, its name in the configuration changed. */
export interface LookKey {
  baseUrl: string
  projectId: string
}

export interface Look extends LookKey {
  state: LookState
  requested: LookRequest | null
  /** A person let deletions be reported that had been seen by then; null: never. */
  confirmedAt: number | null
  outage: Outage | null
}

/** A state of another form (a later version's) is replaced by a fresh one, so that the next look compares everything. */
const toLook = (row: LookRow): Look => ({
  baseUrl: row.base_url,
  projectId: row.project_id,
  state: lookState.safeParse(jsonOf(row.state)).data ?? freshLook,
  requested: row.requested === null ? null : (lookRequest.safeParse(jsonOf(row.requested)).data ?? null),
  confirmedAt: row.confirmed_at,
  outage: row.outage === null ? null : (outage.safeParse(jsonOf(row.outage)).data ?? null),
})

/** No row: the project was never compared, and nobody has asked for it. */
export async function readLook(db: Db, { baseUrl, projectId }: LookKey): Promise<Look> {
  const row = await db
    .selectFrom('looks')
    .select(lookColumns)
    .where('base_url', '=', baseUrl)
    .where('project_id', '=', projectId)
    .executeTakeFirst()
  return row
    ? toLook(row)
    : { baseUrl, projectId, state: freshLook, requested: null, confirmedAt: null, outage: null }
}

/** Whether looks are made of the project with this id. */
export async function isCompared(db: Db, projectId: string): Promise<boolean> {
  const row = await db
    .selectFrom('looks')
    .select('project_id')
    .where('project_id', '=', projectId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** The looks of the projects with these ids, at whatever server. */
export async function readLooks(db: Db, projectIds: readonly string[]): Promise<Look[]> {
  const found: Look[] = []
  for (const some of chunksOf(projectIds, 1)) {
    const rows = await db
      .selectFrom('looks')
      .select(lookColumns)
      .where('project_id', 'in', some)
      .orderBy('project_id')
      .orderBy('base_url')
      .execute()
    found.push(...rows.map(toLook))
  }
  return found
}

async function upsertLook(
  db: Db,
  { baseUrl, projectId }: LookKey,
  columns: Partial<Omit<LookRow, 'base_url' | 'project_id'>>,
): Promise<void> {
  const fresh: LookRow = {
    ...{ base_url: baseUrl, project_id: projectId, state: JSON.stringify(freshLook) },
    ...{ requested: null, confirmed_at: null, outage: null },
  }
  await db
    .insertInto('looks')
    .values({ ...fresh, ...columns })
    .onConflict((c) => c.columns(['base_url', 'project_id']).doUpdateSet(columns))
    .execute()
}

/** Only for the instance that holds the lease, in the transaction that extends it. */
export const saveLook = (db: Db, key: LookKey, state: LookState): Promise<void> =>
  upsertLook(db, key, { state: JSON.stringify(state) })

/** Asks for a full look; the next step of any instance begins it. */
export const requestFullLook = (db: Db, key: LookKey, request: LookRequest): Promise<void> =>
  upsertLook(db, key, { requested: JSON.stringify(request) })

/** The request was met by a look that began after it. */
export async function endLookRequest(
  db: Db,
  { baseUrl, projectId }: LookKey,
  before: LookRequest,
): Promise<void> {
  await db
    .updateTable('looks')
    .set({ requested: null })
    .where('base_url', '=', baseUrl)
    .where('project_id', '=', projectId)
    .where('requested', '=', JSON.stringify(before))
    .execute()
}

/** A person confirms the deletions that were seen by then, epoch milliseconds. */
export const confirmDeletions = (db: Db, key: LookKey, seenAt: number): Promise<void> =>
  upsertLook(db, key, { confirmed_at: seenAt })

export const saveOutage = (db: Db, key: LookKey, found: Outage): Promise<void> =>
  upsertLook(db, key, { outage: JSON.stringify(found) })

/** `name`: the project's in the configuration. */
export const leaseName = (name: string): string => `look:${name}`

export interface Lease {
  name: string
  claim: number
  state: LeaseState
}

const readLeaseState = (json: string): LeaseState =>
  leaseState.safeParse(jsonOf(json)).data ?? leaseState.parse({})

/**
 * Claims the looks of a project if they are due, for one instance only. If it dies, another can after `leaseMs`. A rest of
 * more than `restMs` was begun while a clock was wrong.
 */
export async function claimLook(
  db: Db,
  name: string,
  { now, leaseMs, restMs }: { now: number; leaseMs: number; restMs: number },
): Promise<Lease | null> {
  const fresh = leaseState.parse({})
  const row = await claimState(db, { name: leaseName(name), fresh, restMs }, now, leaseMs)
  return row && { name, claim: row.claim, state: readLeaseState(row.state) }
}

/** Extends the lease. False: another instance has taken over, and nothing of this step may be stored. */
export const keepLease = (db: Db, { name, ...lease }: Lease, until: number): Promise<boolean> =>
  savePoll(db, { name: leaseName(name), ...lease }, until)

/** Ends the lease; the next step is due then. False, as above. */
export const endLease = (db: Db, { name, claim, state }: Lease, nextAt: number): Promise<boolean> =>
  savePoll(db, { name: leaseName(name), claim, state: { ...state, restUntil: nextAt } }, nextAt)

/** `nextAt`: when the next step is due. Null: no instance has ever made a look for this project. */
export async function readLease(db: Db, name: string): Promise<(LeaseState & { nextAt: number }) | null> {
  const row = await db
    .selectFrom('polls')
    .select(['state', 'next_at'])
    .where('name', '=', leaseName(name))
    .executeTakeFirst()
  return row ? { ...readLeaseState(row.state), nextAt: row.next_at } : null
}

/** The ids that these projects were compared with, at the server that they are configured with, by name. */
export async function projectIdsOfLooks(
  db: Db,
  projects: readonly { name: string; baseUrl: string }[],
): Promise<Map<string, string>> {
  const byLease = new Map(projects.map((project) => [leaseName(project.name), project]))
  const found = new Map<string, string>()
  for (const some of chunksOf([...byLease.keys()], 1)) {
    const rows = await db.selectFrom('polls').select(['name', 'state']).where('name', 'in', some).execute()
    for (const row of rows) {
      const { baseUrl, projectId } = readLeaseState(row.state)
      const project = byLease.get(row.name)
      if (project && projectId !== null && baseUrl === project.baseUrl) found.set(project.name, projectId)
    }
  }
  return found
}

/**
 * Makes the next step due now, unless an instance is at work, which goes on to what was asked for by itself, or Langfuse
 * asked to be sent nothing.
 */
export async function wakeLook(db: Db, name: string, now: number): Promise<void> {
  const lease = await readLease(db, name)
  if (!lease || lease.nextAt <= now || lease.restUntil !== lease.nextAt) return
  if (lease.silentUntil !== null && lease.silentUntil > now) return
  await db
    .updateTable('polls')
    .set({ next_at: now })
    .where('name', '=', leaseName(name))
    .where('next_at', '=', lease.nextAt)
    .execute()
}

/** Makes looks that a killed process left due now. Only where no other process uses the store. */
export async function endLooks(db: Db, now: number): Promise<void> {
  const rows = await db
    .selectFrom('polls')
    .select(['name', 'state', 'next_at'])
    .where('name', 'like', `${leaseName('')}%`)
    .execute()
  for (const { name, state, next_at } of rows)
    if (readLeaseState(state).restUntil !== next_at)
      await db.updateTable('polls').set({ next_at: now }).where('name', '=', name).execute()
}
