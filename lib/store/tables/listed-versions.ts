import { sql } from 'kysely'
import type { PromptEvent } from '../../core/change/event.ts'
import { indexable } from '../../core/change/indexable.ts'
import type { PromptKey } from '../../core/prompt/fold.ts'
import type { KnownVersion } from '../../core/reconcile/compare.ts'
import type { Db } from '../client.ts'
import { type ChangeRow, type PromptVersionRow, promptVersionColumns } from '../schema.ts'
import { chunksOf, insertion, type Sql } from '../statement.ts'

/** Parameters per row that keep a part at 100 rows: the depth of an expression is limited. */
const maxParts = 160

/**
 * All versions of these prompts (names as indexed). With `in`, Postgres reads all versions of the project for each page, until
 * it has statistics of the table: 0.8 s for 300,000.
 */
const ofPrompts = (projectId: string, names: readonly string[]) =>
  sql<boolean>`(${sql.join(
    names.map((name) => sql`(project_id = ${projectId} and name = ${name})`),
    sql` or `,
  )})`

/** The versions of these prompts (whole names) that are known, deleted ones too, by whole name. */
export async function versionsOfAll(
  db: Db,
  projectId: string,
  names: readonly string[],
): Promise<Map<string, KnownVersion[]>> {
  const whole = new Map(names.map((name) => [indexable(name), name]))
  // Nearly all versions of a page are alike: no labels and the shared tags.
  const lists = new Map<string, string[]>()
  const listOf = (json: string): string[] => {
    const list = lists.get(json) ?? (JSON.parse(json) as string[])
    lists.set(json, list)
    return list
  }
  const known = new Map<string, KnownVersion[]>()
  for (const some of chunksOf([...whole.keys()], maxParts)) {
    const rows = await db
      .selectFrom('prompt_versions')
      .select(['name', 'version', 'labels', 'tags', 'updated_at', 'deleted', 'presumed'])
      .where(ofPrompts(projectId, some))
      .execute()
    for (const row of rows) {
      const name = whole.get(row.name) ?? row.name
      const own = known.get(name) ?? []
      known.set(name, own)
      own.push({
        version: row.version,
        labels: listOf(row.labels),
        tags: listOf(row.tags),
        updatedAt: row.updated_at,
        deleted: row.deleted === 1,
        ...(row.deleted === 1 && row.presumed !== 0 && { presumed: true as const }),
      })
    }
  }
  return known
}

/** A prompt that nothing was known of, as a listing shows it. */
export interface ListedVersions {
  name: string
  type: string
  versions: readonly number[]
  tags: readonly string[]
  lastUpdatedAt: number
}

const insertListed = insertion<PromptVersionRow>(
  'prompt_versions',
  promptVersionColumns,
  'on conflict (project_id, name, version) do nothing',
)

/** Stores versions without labels, which a listing of prompts does not tell apart. Versions that are known stay. */
export async function storeListed(
  db: Db,
  projectId: string,
  prompts: readonly ListedVersions[],
  readAt: number,
): Promise<void> {
  const rows = prompts.flatMap(({ name, type, versions, tags, lastUpdatedAt }) =>
    versions.map(
      (version): PromptVersionRow => ({
        ...{ project_id: projectId, name: indexable(name), version, prompt_id: null, labels: '[]' },
        ...{ tags: JSON.stringify(tags), prompt_type: type, commit_message: null, created_by: null },
        ...{ updated_at: lastUpdatedAt, deleted: 0, presumed: 0, strayed: null, content: null },
        ...{ content_event: null, deleted_at: null, read_at: readAt },
      }),
    ),
  )
  for (const some of chunksOf(rows, promptVersionColumns.length)) await insertListed(db, some)
}

/** Which versions of these prompts (whole names) are known to have a label, by whole name. */
export async function holdersOf(
  db: Db,
  projectId: string,
  { label, names }: { label: string; names: readonly string[] },
): Promise<Map<string, number[]>> {
  const whole = new Map(names.map((name) => [indexable(name), name]))
  const json = JSON.stringify(label)
  const holders = new Map<string, number[]>()
  for (const some of chunksOf([...whole.keys()], maxParts)) {
    const rows = await db
      .selectFrom('prompt_versions')
      .select(['name', 'version', 'labels'])
      .where(ofPrompts(projectId, some))
      .where('deleted', '=', 0)
      .where(sql<boolean>`labels <> '[]'`)
      .execute()
    for (const row of rows) {
      const name = whole.get(row.name) ?? row.name
      if (row.labels.includes(json)) holders.set(name, [...(holders.get(name) ?? []), row.version])
    }
  }
  return holders
}

/**
 * Gives a label to versions that are known only from this look's listings (`since`: when it began), and returns the prompts
 * (whole names) whose version was. Of the others, a webhook has said something meanwhile.
 */
export async function giveLabel(
  db: Db,
  projectId: string,
  label: string,
  { holders, since }: { holders: readonly { name: string; version: number }[]; since: number },
): Promise<Set<string>> {
  const whole = new Map(holders.map(({ name }) => [indexable(name), name]))
  const json = JSON.stringify(label)
  const given = new Set<string>()
  for (const some of chunksOf(holders, maxParts)) {
    const { rows } = await sql<{ name: string }>`update prompt_versions set
        labels = case when labels = '[]' then cast(${`[${json}]`} as text)
          else substr(labels, 1, length(labels) - 1) || cast(${`,${json}]`} as text) end
      where prompt_id is null and read_at >= ${since} and deleted = 0 and (${oneOf(projectId, some)})
      returning name`.execute(db)
    for (const { name } of rows) given.add(whole.get(name) ?? name)
  }
  return given
}

/**
 * These versions, each found by the primary key. With a join of `values`, Postgres compared each of them with all versions
 * of the project, in 3 s for 50,000; with the project outside of the alternatives, SQLite did so.
 */
const oneOf = (projectId: string, versions: readonly { name: string; version: number }[]): Sql =>
  sql.join(
    versions.map(
      ({ name, version }) =>
        sql`(project_id = ${projectId} and name = ${indexable(name)} and version = ${version})`,
    ),
    sql` or `,
  )

/** Up to `max` names of prompts after this one, in order, as indexed columns hold them; deleted prompts too. */
export async function knownNames(
  db: Db,
  projectId: string,
  { after, max }: { after: string; max: number },
): Promise<string[]> {
  // A skip from name to name: a prompt may have thousands of versions.
  const { rows } = await sql<{ name: string }>`
    with recursive names(name) as (
      select min(name) from prompt_versions where project_id = ${projectId} and name > ${after}
      union all
      select (select min(name) from prompt_versions where project_id = ${projectId} and name > names.name)
      from names where names.name is not null
    ) select name from names where name is not null limit ${sql.lit(max)}`.execute(db)
  return rows.map(({ name }) => name)
}

/** Which of these prompts (as indexed) a look has listed, and whole names where they are longer. */
export async function listedAmong(
  db: Db,
  projectId: string,
  { names, look }: { names: readonly string[]; look: number },
): Promise<{ seen: Set<string>; whole: Map<string, string> }> {
  const seen = new Set<string>()
  const whole = new Map<string, string>()
  for (const some of chunksOf(names, 1)) {
    const rows = await db
      .selectFrom('prompt_looks')
      .select(['name', 'full_name', 'seen'])
      .where('project_id', '=', projectId)
      .where('name', 'in', some)
      .execute()
    for (const row of rows) {
      if (row.seen === look) seen.add(row.name)
      if (row.full_name !== null) whole.set(row.name, row.full_name)
    }
  }
  return { seen, whole }
}

/**
 * Prompts that are known to have a label and that this listing of it (`pass`) was without, in the order of their names: up
 * to `max` after this one.
 */
export async function unlistedHolders(
  db: Db,
  projectId: string,
  { label, pass, after, max }: { label: string; pass: number; after: string; max: number },
): Promise<{ name: string; indexed: string }[]> {
  const rows = await labelled(db, projectId, label)
    .where('v.name', '>', after)
    .where((eb) => eb.or([eb('p.labelled', 'is', null), eb('p.labelled', '<>', pass)]))
    .limit(max)
    .execute()
  return rows.map((row) => ({ name: row.full_name ?? row.name, indexed: row.name }))
}

/** Prompts with live versions that have a label, `%` and `_` in it standing for anything. */
const labelled = (db: Db, projectId: string, label: string) =>
  db
    .selectFrom('prompt_versions as v')
    .leftJoin('prompt_looks as p', (join) =>
      join.onRef('p.project_id', '=', 'v.project_id').onRef('p.name', '=', 'v.name'),
    )
    .select(['v.name', 'p.full_name'])
    .where('v.project_id', '=', projectId)
    // As in the partial index.
    .where(sql<boolean>`v.labels <> '[]'`)
    .where('v.labels', 'like', `%${JSON.stringify(label)}%`)
    .where('v.deleted', '=', 0)
    .orderBy('v.name')

/** Of these prompts (whole names), those of which an event was stored since then, or waits to be settled. */
export async function changedSince(
  db: Db,
  projectId: string,
  names: readonly string[],
  since: number,
): Promise<Set<string>> {
  const whole = new Map(names.map((name) => [indexable(name), name]))
  const found = new Set<string>()
  for (const some of chunksOf([...whole.keys()], 1)) {
    const rows = await db
      .selectFrom('changes')
      .select('subject')
      .distinct()
      .where('project_id', '=', projectId)
      .where('subject', 'in', some)
      .where((eb) => eb.or([eb('settled_at', 'is', null), eb('settled_at', '>=', since)]))
      .execute()
    for (const { subject } of rows) found.add(whole.get(subject) ?? subject)
  }
  return found
}

const revision = ({ id, event_count }: Pick<ChangeRow, 'id' | 'event_count'>): string =>
  `${id} ${event_count}`

/**
 * The revision of a prompt: every stored event of it changes that. `isOpen`: an event waits to be settled. `except`: a
 * change that does not count.
 */
export async function revisionOf(
  db: Db,
  { projectId, name }: PromptKey,
  except = '',
): Promise<{ revision: string; isOpen: boolean }> {
  const row = await db
    .selectFrom('changes')
    .select(['id', 'event_count', 'status'])
    .where('subject', '=', indexable(name))
    .where('project_id', '=', projectId)
    .where('id', '<>', except)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return { revision: row ? revision(row) : '', isOpen: row?.status === 'settling' }
}

/** The same of many prompts, by whole name; absent: no event of it is stored. */
export async function revisionsOf(
  db: Db,
  projectId: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  const whole = new Map(names.map((name) => [indexable(name), name]))
  const found = new Map<string, string>()
  for (const some of chunksOf([...whole.keys()], 1)) {
    const newest = db
      .selectFrom('changes')
      .select((eb) => eb.fn.max('id').as('id'))
      .where('subject', 'in', some)
      .where('project_id', '=', projectId)
      .groupBy('subject')
    const rows = await db
      .selectFrom('changes')
      .select(['id', 'subject', 'event_count'])
      .where('id', 'in', newest)
      .execute()
    for (const row of rows) found.set(whole.get(row.subject) ?? row.subject, revision(row))
  }
  return found
}

/** The live versions of a project, counted up to `max`. */
export async function countLive(db: Db, projectId: string, max: number): Promise<number> {
  const live = db
    .selectFrom('prompt_versions')
    .select('version')
    .where('project_id', '=', projectId)
    .where('deleted', '=', 0)
    .limit(max)
  const row = await db
    .selectFrom(live.as('live'))
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Prompts with this label on a version of which only a listing is known, like `unlistedHolders`. */
export async function barelyKnown(
  db: Db,
  projectId: string,
  { label, after, max }: { label: string; after: string; max: number },
): Promise<{ name: string; indexed: string }[]> {
  const rows = await labelled(db, projectId, label)
    .where('v.name', '>', after)
    .where('v.prompt_id', 'is', null)
    .limit(max)
    .execute()
  return rows.map((row) => ({ name: row.full_name ?? row.name, indexed: row.name }))
}

/** Adds what listings do not say to versions of which only they are known. */
export async function fillDetails(
  db: Db,
  projectId: string,
  read: readonly Pick<PromptEvent, 'name' | 'version' | 'promptId' | 'commitMessage' | 'createdBy'>[],
): Promise<void> {
  for (const some of chunksOf(read, maxParts)) {
    const columnOf = (value: (one: (typeof some)[number]) => string | null | undefined): Sql => {
      const cases = some.map(
        (one) => sql`when ${indexable(one.name)} then cast(${value(one) ?? null} as text)`,
      )
      return sql`case name ${sql.join(cases, sql` `)} end`
    }
    await sql`update prompt_versions set
        prompt_id = ${columnOf(({ promptId }) => promptId)},
        commit_message = ${columnOf(({ commitMessage }) => commitMessage)},
        created_by = ${columnOf(({ createdBy }) => createdBy)}
      where prompt_id is null and deleted = 0 and (${oneOf(projectId, some)})`.execute(db)
  }
}
