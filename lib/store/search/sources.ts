import { type RawBuilder, sql } from 'kysely'
import { indexable } from '../../core/change/indexable.ts'
import { folderFacet, kindFacet, kindLabelFacet, labelFacet } from '../../core/list/facets.ts'
import type { ListFilter } from '../../core/list/filter.ts'
import { type Db, isPostgres } from '../client.ts'
import type { DeliveryStatus } from '../schema.ts'

export type Sql = RawBuilder<unknown>

/** One index range whose rows (`s`) name changes in the order of their ids. */
export interface Branch {
  on: 'changes' | 'deliveries' | 'change_facets'
  /** In place of the table itself. */
  from?: Sql
  where: Sql[]
  /** Two of its rows may name the same change. */
  repeats?: boolean
}

export const keyOf = ({ on }: Branch): Sql => (on === 'changes' ? sql`s.id` : sql`s.change_id`)

export type Part = 'test' | 'danger' | 'project' | 'prompt' | 'facet' | 'delivery' | 'words'

/** Where the changes that some parts of a filter let through can be read from, in the order of their ids. */
export interface Source {
  parts: Part[]
  branches: Branch[]
}

/** A filter as both engines can run it: read the changes from one source, check the other parts on each. */
export interface ListPlan {
  sources: Source[]
  /** By a change's id. Scalar subqueries, because neither planner turns those into joins. */
  checks: Map<Part, (key: Sql) => Sql>
}

export const and = (conditions: Sql[]): Sql =>
  conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`

export const onChanges = (...where: Sql[]): Branch => ({ on: 'changes', where })

/** All changes. */
export const everything: Source = { parts: [], branches: [onChanges()] }

export const theseChanges = (ids: string[]): Source => ({
  parts: [],
  branches: ids.length === 0 ? [] : [onChanges(sql`s.id in (${sql.join(ids)})`)],
})

const maxSettling = 20_000
const lastCharacter = '\u{10ffff}'
const waiting: DeliveryStatus[] = ['queued', 'retrying']

/** Few at any time. The limit keeps the planner at the index of what is open. */
const settling = (...where: Sql[]): Branch => ({
  on: 'changes',
  from: sql`(select id from changes where next_at is not null limit ${sql.lit(maxSettling)}) as o
    inner join changes as s on s.id = o.id`,
  where,
})

export const isFolder = (prompt: string) => prompt.endsWith('/')

/** What must hold of the columns of `changes`, under this alias. Literals where an index is partial. */
function columnsOf({ test, project, danger, prompt }: ListFilter, alias: string): Map<Part, Sql> {
  const columns = new Map<Part, Sql>()
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  if (test === 'only') columns.set('test', sql`${column('test')} = 1`)
  if (danger) columns.set('danger', sql`${column('danger')} = 1`)
  if (project !== null) columns.set('project', sql`${column('project_id')} = ${project}`)
  const subject = column('subject')
  if (prompt !== null && isFolder(prompt))
    columns.set('prompt', sql`${subject} >= ${prompt} and ${subject} < ${prompt + lastCharacter}`)
  else if (prompt !== null) columns.set('prompt', sql`${subject} = ${indexable(prompt)}`)
  return columns
}

const facetBranch = (facet: string): Branch => ({ on: 'change_facets', where: [sql`s.facet = ${facet}`] })

function changeSources(filter: ListFilter): Source[] {
  const facets = facetsWanted(filter)
  const sources: Source[] = []
  if (facets.length > 0) sources.push({ parts: ['facet'], branches: facets.map(facetBranch) })
  for (const [part, column] of columnsOf(filter, 's')) {
    const { prompt } = filter
    if (part === 'prompt' && prompt !== null && isFolder(prompt))
      sources.push({ parts: [part], branches: [facetBranch(folderFacet(prompt)), settling(column)] })
    else sources.push({ parts: [part], branches: [onChanges(column)] })
  }
  return sources
}

export function facetsWanted({ kind, label }: Pick<ListFilter, 'kind' | 'label'>): string[] {
  if (label === null) return kind.map(kindFacet)
  return kind.length === 0 ? [labelFacet(label)] : kind.map((one) => kindLabelFacet(one, label))
}

const asksDelivery = ({ status, target, http }: ListFilter) =>
  target !== null || http.length > 0 || status.some((one) => one !== 'settling')

/** What one delivery of the change must be, `d` its alias. `open`: targets whose circuit is open. */
function deliveryConditions({ status, target, http }: ListFilter, alias: string, open: string[]): Sql[] {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  const wanted: Sql[] = []
  if (target !== null) wanted.push(sql`${column('target')} = ${target}`)
  if (http.length > 0) wanted.push(sql`${column('http_class')} in (${sql.join(http)})`)
  const plain = status.filter((one) => one !== 'settling' && one !== 'held')
  const either: Sql[] = []
  if (plain.length > 0) either.push(sql`${column('status')} in (${sql.join(plain)})`)
  if (status.includes('held') && open.length > 0)
    either.push(
      sql`${column('status')} in (${sql.join(waiting)}) and ${column('target')} in (${sql.join(open)})`,
    )
  if (either.length > 0) wanted.push(sql`(${sql.join(either, sql` or `)})`)
  else if (status.length > 0) wanted.push(sql`1 = 0`)
  else if (target !== null) wanted.push(sql`${column('status')} <> 'skipped'`)
  return wanted
}

/**
 * Each target and status is one index range, as a class of answers is, and a target's deliveries that were not skipped.
 * Asked for together, the others are checked: a range that is filtered has no bound.
 */
function deliverySources(filter: ListFilter, targets: string[], open: string[]): Source[] {
  const { status, target, http } = filter
  const on = (...where: Sql[]): Branch => ({ on: 'deliveries', where })
  const sources: Source[] = []
  if (http.length > 0 && !isSettlingWanted(filter))
    sources.push({
      parts: status.length === 0 && target === null ? ['delivery'] : [],
      branches: http.map((one) => ({ ...on(sql`s.http_class = ${one}`), repeats: true })),
    })
  const parts: Part[] = http.length === 0 ? ['delivery'] : []
  if (status.length === 0) {
    if (target === null) return sources
    return [...sources, { parts, branches: [on(sql`s.target = ${target}`, sql`s.status <> 'skipped'`)] }]
  }
  const plain = status.filter((one) => one !== 'settling' && one !== 'held')
  const branches = (target === null ? targets : [target]).flatMap((name) => {
    const held = status.includes('held') && open.includes(name) ? waiting : []
    return [...new Set([...plain, ...held])].map((one) => on(sql`s.target = ${name}`, sql`s.status = ${one}`))
  })
  if (isSettlingWanted(filter)) branches.push(settling())
  return [...sources, { parts, branches }]
}

/** A settling change has no deliveries yet. */
const isSettlingWanted = ({ status, target, http }: ListFilter) =>
  status.includes('settling') && target === null && http.length === 0

function checksOf(filter: ListFilter, known: Known): ListPlan['checks'] {
  const checks: ListPlan['checks'] = new Map()
  const inChanges = (key: Sql, column: Sql) =>
    sql`(select 1 from changes as c where c.id = ${key} and ${column})`
  // Tests are few, so the look-up is in an index that is hardly there.
  if (filter.test === 'hidden') checks.set('test', (key) => sql`${inChanges(key, sql`c.test = 1`)} is null`)
  for (const [part, column] of columnsOf(filter, 'c'))
    checks.set(part, (key) => sql`${inChanges(key, column)} = 1`)
  const facets = facetsWanted(filter)
  if (facets.length > 0)
    checks.set(
      'facet',
      (key) => sql`(select 1 from change_facets as x
      where x.facet in (${sql.join(facets)}) and x.change_id = ${key} limit 1) = 1`,
    )
  if (asksDelivery(filter) || filter.status.length > 0)
    checks.set('delivery', (key) => deliveryCheck(filter, known, key))
  return checks
}

interface Known {
  /** The targets that a status is looked for at. */
  targets: string[]
  /** Those whose circuit is open. */
  open: string[]
  /** SQLite only: it goes by another index to the row (120,000 look-ups: 300 ms, and 10 s from a cold disk; by this 50 ms). */
  sentIndex: Sql
}

function deliveryCheck(filter: ListFilter, { targets, open, sentIndex }: Known, key: Sql): Sql {
  const wanted = deliveryConditions(filter, 'd', open)
  const isPlain = filter.http.length === 0
  // All that there are: with the targets named, the index of the statuses answers, and no row is read.
  if (targets.length > 0 && isPlain) wanted.push(sql`d.target in (${sql.join(targets)})`)
  const by = isPlain && filter.status.length === 0 ? sentIndex : sql``
  const delivery = sql`(select 1 from deliveries as d ${by} where d.change_id = ${key}
    and ${and(wanted)} limit 1) = 1`
  const isOpen = sql`(select 1 from changes as o where o.id = ${key} and o.next_at is not null) = 1`
  if (!isSettlingWanted(filter)) return delivery
  return asksDelivery(filter) ? sql`(${delivery} or ${isOpen})` : isOpen
}

/** How to read what the filter lets through. */
export async function planList(db: Db, filter: ListFilter, now: number): Promise<ListPlan> {
  const open = filter.status.includes('held') ? await openTargets(db, now) : []
  const needsTargets = filter.target === null && filter.status.some((one) => one !== 'settling')
  const targets = needsTargets ? await knownTargets(db) : []
  const sources = changeSources(filter)
  if (filter.status.length > 0 || asksDelivery(filter))
    sources.push(...deliverySources(filter, targets, open))
  const sentIndex = isPostgres(db) ? sql`` : sql`indexed by deliveries_sent`
  return { sources, checks: checksOf(filter, { targets, open, sentIndex }) }
}

async function openTargets(db: Db, now: number): Promise<string[]> {
  const rows = await db.selectFrom('targets').select('name').where('open_until', '>', now).execute()
  return rows.map(({ name }) => name)
}

const maxDistinct = 200

/** The values in one column of an index between two others: one look-up each, however many rows hold them. */
export async function distinctFrom(
  db: Db,
  table: Sql,
  column: Sql,
  { from, to }: { from: string; to: string },
): Promise<string[]> {
  const { rows } = await sql<{ value: string }>`
    with recursive known(value) as (
      select min(${column}) from ${table} where ${column} >= ${from} and ${column} < ${to}
      union all
      select (select min(${column}) from ${table} where ${column} > known.value and ${column} < ${to})
      from known where known.value is not null
    ) select value from known where value is not null limit ${maxDistinct}`.execute(db)
  return rows.map(({ value }) => value)
}

/** The targets of any delivery. */
export const knownTargets = (db: Db): Promise<string[]> =>
  distinctFrom(db, sql`deliveries`, sql`target`, { from: '', to: lastCharacter })
