import { sql } from 'kysely'
import { jsonOf } from '../../base/json.ts'
import type { Usage } from '../../core/polling/rows.ts'
import { freshState, type PollState, pollState } from '../../core/polling/state.ts'
import { type Db, isPostgres } from '../client.ts'
import { type PolledRow, polledColumns } from '../schema.ts'
import { chunksOf } from '../statement.ts'

/** `name`: of the project's keys, since each project is polled on its own. */
export interface ClaimedPoll {
  name: string
  claim: number
  state: PollState
}

/** A state of another form (a later version's) is replaced by a fresh one. */
const read = (json: string): PollState => pollState.safeParse(jsonOf(json)).data ?? freshState

/**
 * The longest rest: `POLL_SECONDS` is a day at most, a `Retry-After` 2 h. A later due time was set while the clock was
 * wrong, or by a version that obeyed a `Retry-After` of years, and counts as due now.
 */
const maxRestMs = 26 * 3_600_000

/** When these are due next, by name: now, if one never ran. One read, however many projects there are. */
export async function dueTimes(db: Db, names: readonly string[], now: number): Promise<Map<string, number>> {
  const due = new Map(names.map((name) => [name, now]))
  for (const some of chunksOf([...names], 1)) {
    const rows = await db.selectFrom('polls').select(['name', 'next_at']).where('name', 'in', some).execute()
    for (const { name, next_at } of rows) due.set(name, next_at > now + maxRestMs ? now : next_at)
  }
  return due
}

export async function readPoll(db: Db, name: string): Promise<PollState | null> {
  const row = await db.selectFrom('polls').select('state').where('name', '=', name).executeTakeFirst()
  return row ? read(row.state) : null
}

/** The projects that Langfuse named for the keys of these polls, by the poll's name; null: it did not name one when asked. */
export async function projectIdsOfPolls(
  db: Db,
  names: readonly string[],
): Promise<Map<string, string | null>> {
  const rows = await db.selectFrom('polls').select(['name', 'state']).where('name', 'in', names).execute()
  return new Map(
    rows.flatMap(({ name, state }) => {
      const { projectId, error } = read(state)
      return projectId === null && error === null ? [] : [[name, projectId] as const]
    }),
  )
}

/** Claims polling if it is due, for one instance only. If that dies, another can claim it after `leaseMs`. */
export async function claimPoll(
  db: Db,
  name: string,
  now: number,
  leaseMs: number,
): Promise<ClaimedPoll | null> {
  const row = await claimState(db, { name, fresh: freshState }, now, leaseMs)
  return row && { name, claim: row.claim, state: read(row.state) }
}

/** The same for any state, as JSON, under a name of its own. `restMs`: its longest rest. */
export async function claimState(
  db: Db,
  { name, fresh, restMs = maxRestMs }: { name: string; fresh: unknown; restMs?: number },
  now: number,
  leaseMs: number,
): Promise<{ claim: number; state: string } | null> {
  await db
    .insertInto('polls')
    .values({ name, next_at: now, claim: 0, state: JSON.stringify(fresh) })
    .onConflict((c) => c.column('name').doNothing())
    .execute()
  const row = await db
    .updateTable('polls')
    .set({ next_at: now + leaseMs, claim: sql`claim + 1` })
    .where('name', '=', name)
    .where((eb) => eb.or([eb('next_at', '<=', now), eb('next_at', '>', now + restMs)]))
    .returning(['claim', 'state'])
    .executeTakeFirst()
  return row ?? null
}

/** Saves the progress. False: another worker has taken over, and nothing of this may be stored. */
export async function savePoll(
  db: Db,
  { name, claim, state }: { name: string; claim: number; state: unknown },
  nextAt: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('polls')
    .set({ state: JSON.stringify(state), next_at: nextAt })
    .where('name', '=', name)
    .where('claim', '=', claim)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The known rows with these keys, by key. */
export async function polledRows(db: Db, keys: string[]): Promise<Map<string, PolledRow>> {
  const known = new Map<string, PolledRow>()
  for (const some of chunksOf(keys, 1)) {
    const rows = await db.selectFrom('polled').select(polledColumns).where('key', 'in', some).execute()
    for (const row of rows) known.set(row.key, row)
  }
  return known
}

export async function savePolled(db: Db, rows: PolledRow[]): Promise<void> {
  for (const some of chunksOf(rows, 5))
    await db
      .insertInto('polled')
      .values(some)
      .onConflict((c) =>
        c.column('key').doUpdateSet((eb) => ({
          at: eb.ref('excluded.at'),
          hash: eb.ref('excluded.hash'),
          told: eb.ref('excluded.told'),
          usage: eb.ref('excluded.usage'),
        })),
      )
      .execute()
}

/** Deletes rows that began earlier: they are not read again. */
export async function forgetPolled(db: Db, before: number): Promise<void> {
  await db.deleteFrom('polled').where('at', '<', before).execute()
}

/** Adds usage; `sign` -1 subtracts what was counted before a correction. */
export async function addUsage(
  db: Db,
  projectId: string,
  changes: { usage: Usage; sign: 1 | -1 }[],
): Promise<void> {
  const groups = Map.groupBy(changes, ({ usage: { day, model, environment } }) =>
    JSON.stringify([day, model, environment]),
  )
  // In order, so that two workers cannot deadlock.
  for (const [, group] of [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = group
    if (!first) continue
    const { day, model, environment } = first.usage
    const sum = (of: (usage: Usage) => number): number =>
      group.reduce((total, { usage, sign }) => total + sign * of(usage), 0)
    const added = {
      generations: sum(() => 1),
      input: sum((usage) => usage.input),
      output: sum((usage) => usage.output),
      total: sum((usage) => usage.total),
      nano_usd: sum((usage) => usage.nanoUsd),
    }
    await db
      .insertInto('usage')
      .values({ project_id: projectId, day, model, environment, ...added })
      .onConflict((c) =>
        c.columns(['project_id', 'day', 'model', 'environment']).doUpdateSet({
          generations: sql`usage.generations + excluded.generations`,
          input: sql`usage.input + excluded.input`,
          output: sql`usage.output + excluded.output`,
          total: sql`usage.total + excluded.total`,
          nano_usd: sql`usage.nano_usd + excluded.nano_usd`,
        }),
      )
      .execute()
  }
}

export interface UsageTotal {
  /** Absent: over all projects. */
  projectId?: string
  day: string
  model: string
  generations: number
  input: number
  output: number
  total: number
  usd: number
}

/**
 * By day and model, over all environments, and over all projects or by each; from the day `since` (`2026-08-21`). Oldest day
 * first, then by model name.
 */
export async function usageSince(
  db: Db,
  since: string,
  { byProject = false }: { byProject?: boolean } = {},
): Promise<UsageTotal[]> {
  // In Postgres, a sum of bigints is `numeric`, which pg returns as text.
  const sum = (column: 'generations' | 'input' | 'output' | 'total' | 'nano_usd') =>
    isPostgres(db) ? sql<number>`sum(${sql.ref(column)})::bigint` : sql<number>`sum(${sql.ref(column)})`
  const rows = await db
    .selectFrom('usage')
    .select(['day', 'model'])
    .select([
      sum('generations').as('generations'),
      sum('input').as('input'),
      sum('output').as('output'),
      sum('total').as('total'),
      sum('nano_usd').as('nano_usd'),
    ])
    .where('day', '>=', since)
    .$if(byProject, (query) => query.select('project_id').groupBy('project_id'))
    .groupBy(['day', 'model'])
    .orderBy('day')
    .orderBy('model')
    .$if(byProject, (query) => query.orderBy('project_id'))
    .execute()
  return rows
    .map(({ nano_usd, project_id, ...row }) => ({
      ...(project_id !== undefined && { projectId: project_id }),
      ...row,
      usd: nano_usd / 1e9,
    }))
    .filter(({ generations }) => generations > 0)
}

/** Deletes the days before this one (`2026-08-21`). */
export async function forgetUsage(db: Db, before: string): Promise<void> {
  await db.deleteFrom('usage').where('day', '<', before).execute()
}
