import { sql } from 'kysely'
import { jsonOf } from '../../base/json.ts'
import { indexable } from '../../core/change/indexable.ts'
import type { PromptKey } from '../../core/prompt/fold.ts'
import { type Doubt, doubt, isUnreadable } from '../../core/reconcile/doubt.ts'
import type { Db } from '../client.ts'
import type { PromptLookRow } from '../schema.ts'
import { chunksOf } from '../statement.ts'

const fullName = (name: string): string | null => (indexable(name) === name ? null : name)

/** Notes that a look listed these prompts (`seen`), or that the listing of a label did (`labelled`); whole names. */
export async function noteListed(
  db: Db,
  projectId: string,
  names: readonly string[],
  mark: { seen: number } | { labelled: number },
): Promise<void> {
  const rows = [...new Set(names)].toSorted().map(
    (name): PromptLookRow => ({
      ...{ project_id: projectId, name: indexable(name), full_name: fullName(name) },
      ...{ seen: 0, labelled: 0, doubt: null, due_at: null, ...mark },
    }),
  )
  for (const some of chunksOf(rows, 7))
    await db
      .insertInto('prompt_looks')
      .values(some)
      .onConflict((c) => c.columns(['project_id', 'name']).doUpdateSet(mark))
      .execute()
}

/** Puts prompts in doubt, unless they already are. `dueAt`: when the doubts are to be settled, epoch milliseconds. */
export async function beginDoubts(
  db: Db,
  projectId: string,
  doubts: readonly { name: string; found: Doubt }[],
  dueAt: number,
): Promise<void> {
  const byName = new Map(doubts.map(({ name, found }) => [name, found]))
  const rows = [...byName]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, found]): PromptLookRow => ({
        ...{ project_id: projectId, name: indexable(name), full_name: fullName(name) },
        ...{ seen: 0, labelled: 0, doubt: JSON.stringify(found), due_at: dueAt },
      }),
    )
  for (const some of chunksOf(rows, 7))
    await db
      .insertInto('prompt_looks')
      .values(some)
      .onConflict((c) =>
        c.columns(['project_id', 'name']).doUpdateSet({
          doubt: sql`coalesce(prompt_looks.doubt, excluded.doubt)`,
          due_at: sql`coalesce(prompt_looks.due_at, excluded.due_at)`,
        }),
      )
      .execute()
}

/** Replaces what is in doubt. */
export async function saveDoubt(
  db: Db,
  { projectId, name }: PromptKey,
  { found, dueAt }: { found: Doubt; dueAt: number },
): Promise<void> {
  const set = { doubt: JSON.stringify(found), due_at: dueAt }
  await db
    .insertInto('prompt_looks')
    .values({
      ...{ project_id: projectId, name: indexable(name), full_name: fullName(name), seen: 0, labelled: 0 },
      ...set,
    })
    .onConflict((c) => c.columns(['project_id', 'name']).doUpdateSet(set))
    .execute()
}

export async function endDoubt(db: Db, { projectId, name }: PromptKey): Promise<void> {
  await db
    .updateTable('prompt_looks')
    .set({ doubt: null, due_at: null })
    .where('project_id', '=', projectId)
    .where('name', '=', indexable(name))
    .execute()
}

export interface DueDoubt {
  /** Whole. */
  name: string
  doubt: Doubt
}

/** An unreadable doubt (a later version's) starts anew. */
const readDoubt = (json: string | null): Doubt =>
  doubt.safeParse(jsonOf(json ?? '')).data ?? doubt.parse({ since: 0 })

/** Longer than any doubt is put off: that was while a clock was wrong. */
const maxPutOffMs = 3 * 3_600_000

/** Up to `max` doubts that are due, the oldest first. */
export async function dueDoubts(
  db: Db,
  projectId: string,
  { now, max }: { now: number; max: number },
): Promise<DueDoubt[]> {
  const rows = await db
    .selectFrom('prompt_looks')
    .select(['name', 'full_name', 'doubt'])
    .where('project_id', '=', projectId)
    .where((eb) => eb.or([eb('due_at', '<=', now), eb('due_at', '>', now + maxPutOffMs)]))
    .where('due_at', 'is not', null)
    .orderBy('due_at')
    .orderBy('name')
    .limit(max)
    .execute()
  return rows.map((row) => ({ name: row.full_name ?? row.name, doubt: readDoubt(row.doubt) }))
}

/** When the next doubt of a project is due; null: there is none. */
export async function nextDoubt(db: Db, projectId: string): Promise<number | null> {
  const row = await db
    .selectFrom('prompt_looks')
    .select((eb) => eb.fn.min('due_at').as('at'))
    .where('project_id', '=', projectId)
    .where('due_at', 'is not', null)
    .executeTakeFirst()
  return row?.at == null ? null : Number(row.at)
}

/** Doubts of a project, counted up to this. */
const maxDoubts = 1000

export async function countDoubts(db: Db, projectId: string): Promise<number> {
  const doubts = db
    .selectFrom('prompt_looks')
    .select('name')
    .where('project_id', '=', projectId)
    .where('due_at', 'is not', null)
    .limit(maxDoubts)
  const row = await db
    .selectFrom(doubts.as('d'))
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** How many prompts of each project are in doubt. */
export async function doubtsByProject(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('prompt_looks')
    .select(['project_id', (eb) => eb.fn.countAll().as('count')])
    .where('due_at', 'is not', null)
    .groupBy('project_id')
    .execute()
  return new Map(rows.map(({ project_id, count }) => [project_id, Number(count)]))
}

/** Failing prompts that one read shows. */
const maxFailing = 200

/** Prompts of each project that could not be read for long, up to 200 in all; the first by name, and why. */
export async function unreadByProject(
  db: Db,
): Promise<Map<string, { prompts: number; name: string; problem: string | null }>> {
  const rows = await db
    .selectFrom('prompt_looks')
    .select(['project_id', 'name', 'doubt'])
    .where('due_at', 'is not', null)
    .where('doubt', 'not like', '%"failures":0%')
    .orderBy('project_id')
    .orderBy('name')
    .limit(maxFailing)
    .execute()
  const found = new Map<string, { prompts: number; name: string; problem: string | null }>()
  for (const { project_id, name, doubt: json } of rows) {
    const one = readDoubt(json)
    if (!isUnreadable(one)) continue
    const known = found.get(project_id) ?? { prompts: 0, name, problem: one.problem }
    found.set(project_id, { ...known, prompts: known.prompts + 1 })
  }
  return found
}

/** Prompts with versions that are gone in Langfuse and not reported as deleted, by name; `max` of them. */
export async function pendingDeletions(
  db: Db,
  projectId: string,
  max: number,
): Promise<{ name: string; versions: number[] }[]> {
  const rows = await db
    .selectFrom('prompt_looks')
    .select(['name', 'full_name', 'doubt'])
    .where('project_id', '=', projectId)
    .where('due_at', 'is not', null)
    .where('doubt', 'like', '%"key":"gone"%')
    .orderBy('name')
    .limit(max)
    .execute()
  return rows.map(({ name, full_name, doubt: json }) => {
    const gone = readDoubt(json).items.filter(({ key }) => key === 'gone')
    return { name: full_name ?? name, versions: gone.map(({ version }) => version).toSorted((a, b) => a - b) }
  })
}

/** Prompts that one statement reads. */
const batch = 1000

/** How many versions wait to be reported as deleted that were first seen to be gone by then (`seen`), and after that. */
export async function countDeletions(
  db: Db,
  projectId: string,
  by: number,
): Promise<{ seen: number; later: number }> {
  const count = { seen: 0, later: 0 }
  let after: string | null = ''
  while (after !== null) {
    const rows: Pick<PromptLookRow, 'name' | 'doubt'>[] = await db
      .selectFrom('prompt_looks')
      .select(['name', 'doubt'])
      .where('project_id', '=', projectId)
      .where('due_at', 'is not', null)
      .where('doubt', 'like', '%"key":"gone"%')
      .where('name', '>', after)
      .orderBy('name')
      .limit(batch)
      .execute()
    for (const row of rows)
      for (const { key, since } of readDoubt(row.doubt).items)
        if (key === 'gone') count[since <= by ? 'seen' : 'later']++
    after = rows.length < batch ? null : (rows.at(-1)?.name ?? null)
  }
  return count
}

/** Of these prompts (whole names), the versions that were first seen to be gone by then, by whole name. */
export async function goneBy(
  db: Db,
  projectId: string,
  { names, by }: { names: readonly string[]; by: number },
): Promise<Map<string, Set<number>>> {
  const whole = new Map(names.map((name) => [indexable(name), name]))
  const found = new Map<string, Set<number>>()
  for (const some of chunksOf([...whole.keys()], 1)) {
    const rows = await db
      .selectFrom('prompt_looks')
      .select(['name', 'doubt'])
      .where('project_id', '=', projectId)
      .where('name', 'in', some)
      .where('due_at', 'is not', null)
      .execute()
    for (const { name, doubt: json } of rows) {
      const gone = readDoubt(json).items.filter(({ key, since }) => key === 'gone' && since <= by)
      found.set(whole.get(name) ?? name, new Set(gone.map(({ version }) => version)))
    }
  }
  return found
}

/** Deletes what is known of prompts that have no live version any more, unless they are in doubt. */
export async function forgetPromptLooks(db: Db): Promise<void> {
  await sql`delete from prompt_looks where doubt is null and not exists (
    select 1 from prompt_versions as v
    where v.project_id = prompt_looks.project_id and v.name = prompt_looks.name and v.deleted = 0
  )`.execute(db)
}

/** Deletions of a project that were put off are due now. */
export async function wakeDeletions(db: Db, projectId: string, now: number): Promise<void> {
  await db
    .updateTable('prompt_looks')
    .set({ due_at: now })
    .where('project_id', '=', projectId)
    .where('due_at', '>', now)
    .where('doubt', 'like', '%"key":"gone"%')
    .execute()
}
