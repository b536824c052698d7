import { sql } from 'kysely'
import { indexable } from '../../core/change/indexable.ts'
import { folderFacet, kindFacet, kindLabelFacet, labelFacet } from '../../core/list/facets.ts'
import type { ListFilter } from '../../core/list/filter.ts'
import { type Db, isPostgres } from '../client.ts'
import type { DeliveryStatus } from '../schema.ts'
import type { Sql } from '../statement.ts'
import { knownTargets, openCircuits } from '../tables/targets.ts'

/**
 * Each part of a filter names the index ranges that hold its changes. The smallest of them is read in the order of ids, and
 * the other parts are checked on each row until the page is full. One statement with all conditions, left to the engine,
 * takes up to 2.7 s at 1,000,000 changes (docs/decisions/0013-list-planner.md).
 */

/** An index range whose rows (`s`) name changes in the order of their ids. */
interface Range {
  table: 'changes' | 'deliveries' | 'change_facets'
  /** Replaces the table itself. */
  from?: Sql
  where: Sql[]
  /** Several of its rows may name the same change. */
  repeats?: boolean
}

/** Whether the change with this id passes one part of the filter. */
type Check = (id: Sql) => Sql

/** Ranges that together hold every change that passes a part of the filter. */
interface Source {
  ranges: Range[]
  /** The check that all changes of these ranges pass. */
  covers: Check | null
}

export interface Plan {
  sources: Source[]
  checks: Check[]
  /** The check on deliveries, which is among `checks`: the only part of a filter that can change after settling. */
  delivery: Check | null
}

/** Ids strictly between these, in this direction, at most `max`. */
export interface Span {
  above: string | null
  below: string | null
  isBackwards: boolean
  max: number
  /** How many rows of a source are read at most; absent: all. */
  maxRows?: number
}

/** `isAll`: nothing that passes is missing. */
export interface Found {
  ids: string[]
  isAll: boolean
}

export const and = (conditions: Sql[]): Sql =>
  conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`

export const idOf = ({ table }: Range): Sql => (table === 'changes' ? sql`s.id` : sql`s.change_id`)

export const fromRange = ({ from, table }: Range): Sql => from ?? sql`${sql.table(table)} as s`

export const within = ({ above, below }: Span, id: Sql): Sql[] => [
  ...(above === null ? [] : [sql`${id} > ${above}`]),
  ...(below === null ? [] : [sql`${id} < ${below}`]),
]

export const direction = ({ isBackwards }: Span): Sql => (isBackwards ? sql`asc` : sql`desc`)

/** What a change from this source has yet to pass. */
export const unchecked = (checks: Check[], { covers }: Source, id: Sql): Sql[] =>
  checks.flatMap((check) => (check === covers ? [] : [check(id)]))

export const everything: Source & { ranges: [Range] } = {
  ranges: [{ table: 'changes', where: [] }],
  covers: null,
}

/** It is a range of one index, and no join. */
export const isSingleRange = (source: Source): source is Source & { ranges: [Range] } =>
  source.ranges.length === 1 && source.ranges[0]?.from === undefined

/** A source and its number of rows; `Infinity`: more than were counted. */
interface Sized {
  source: Source
  count: number
}

/** Ranges are counted up to here, to find the smallest: 1 ms on SQLite, 4 ms on Postgres. */
const maxSized = 20_000

/**
 * The source with the fewest rows. Where all have more than `max`, one with a single range is best: it ends as soon as the
 * page is full, while each of several ranges fills a page of its own.
 */
export async function smallestSource(db: Db, sources: Source[], span: Span, max = maxSized): Promise<Sized> {
  const usual = sources.find(({ ranges }) => ranges.length === 1) ?? sources[0] ?? everything
  const uncounted = { source: usual, count: Number.POSITIVE_INFINITY }
  if (sources.length === 0) return uncounted
  const counts = sources.map((source, i) => sql`(${rowCount(source, span, max)}) as ${sql.ref(`c${i}`)}`)
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(db)
  const counted = sources.map((source, i) => ({ source, count: Number(rows[0]?.[`c${i}`]) }))
  const [best] = counted.toSorted((a, b) => a.count - b.count)
  return best && best.count <= max ? best : uncounted
}

function rowCount({ ranges }: Source, span: Span, max: number): Sql {
  if (ranges.length === 0) return sql`select 0`
  const each = ranges.map((range, i) => {
    const where = and([...range.where, ...within(span, idOf(range))])
    return sql`select 1 from (select 1 from ${fromRange(range)}
      where ${where} limit ${max + 1}) as ${sql.ref(`r${i}`)}`
  })
  return sql`select count(*) from (select 1 from (${sql.join(each, sql` union all `)}) as a
    limit ${max + 1}) as u`
}

/** The changes of a source that pass the checks it does not cover. Of a larger source, `span.maxRows` rows are read. */
export async function idsOfSource(
  db: Db,
  checks: Check[],
  { source, count }: Sized,
  span: Span,
): Promise<Found> {
  const { maxRows, max } = span
  const isLimited = maxRows !== undefined && count > maxRows
  const end = isLimited ? sql`limit ${Math.ceil(maxRows / source.ranges.length)}` : null
  const each = source.ranges.map((range) => idsOfRange(range, checks, source, span, end))
  const [first] = each
  if (first === undefined) return { ids: [], isAll: true }
  const parts = each.map((one, i) => sql`select id from (${one}) as ${sql.ref(`r${i}`)}`)
  const union = sql`select distinct id from (${sql.join(parts, sql` union all `)}) as u
    order by id ${direction(span)} limit ${max}`
  const { rows } = await sql<{ id: string }>`${parts.length === 1 ? first : union}`.execute(db)
  const ids = rows.map(({ id }) => id)
  return { ids, isAll: !isLimited && ids.length < max }
}

function idsOfRange(range: Range, checks: Check[], source: Source, span: Span, end: Sql | null): Sql {
  const id = idOf(range)
  const order = direction(span)
  const distinct = range.repeats ? sql`distinct` : sql``
  const rows = sql`select ${id} as id from ${fromRange(range)} where ${and([...range.where, ...within(span, id)])}`
  const read = end === null ? rows : sql`${rows} order by ${id} ${order} ${end}`
  return sql`select ${distinct} s.id from (${read}) as s where ${and(unchecked(checks, source, sql`s.id`))}
    order by s.id ${order} limit ${span.max}`
}

/** Where so many of the newest rows of a large source do not fill the page, sources are counted further: 30 to 200 ms. */
const maxNewest = 5000
const maxSparse = 1_000_000

/** The changes that pass all checks. */
export async function idsOfPlan(db: Db, { sources, checks }: Plan, span: Span): Promise<Found> {
  const [first = everything, ...others] = sources
  const isCount = span.maxRows !== undefined
  const best =
    others.length > 0 || isCount
      ? await smallestSource(db, [first, ...others], span)
      : { source: first, count: Number.POSITIVE_INFINITY }
  if (isCount || others.length === 0 || Number.isFinite(best.count))
    return idsOfSource(db, checks, best, span)
  const newest = await idsOfSource(db, checks, best, { ...span, maxRows: maxNewest })
  if (newest.ids.length === span.max) return newest
  return idsOfSource(db, checks, await smallestSource(db, sources, span, maxSparse), span)
}

/** Those of these changes that pass. */
export async function idsAmong(db: Db, { checks }: Plan, ids: string[], span: Span): Promise<Found> {
  if (ids.length === 0) return { ids, isAll: true }
  const where = [sql`s.id in (${sql.join(ids)})`]
  const source: Source = { ranges: [{ table: 'changes', where }], covers: null }
  return idsOfSource(db, checks, { source, count: ids.length }, span)
}

const maxSettling = 20_000
const lastCharacter = '\u{10ffff}'
const waiting: DeliveryStatus[] = ['queued', 'retrying']

/** Few at any time. `cross` and the limit keep both engines at the index of open changes. */
const settling = (...where: Sql[]): Range => ({
  table: 'changes',
  from: sql`(select id from changes where next_at is not null limit ${sql.lit(maxSettling)}) as o
    cross join changes as s`,
  where: [sql`s.id = o.id`, ...where],
})

export const isFolder = (prompt: string) => prompt.endsWith('/')

/** What must hold of columns of `changes` under this alias. Literals where an index is partial. */
function columnConditions({ test, project, danger, prompt }: ListFilter): ((alias: string) => Sql)[] {
  const conditions: ((alias: string) => Sql)[] = []
  const add = (name: string, condition: (column: Sql) => Sql) =>
    conditions.push((alias) => condition(sql.ref(`${alias}.${name}`)))
  if (test === 'only') add('test', (column) => sql`${column} = 1`)
  if (danger) add('danger', (column) => sql`${column} = 1`)
  if (project !== null) add('project_id', (column) => sql`${column} = ${project}`)
  if (prompt !== null && !isFolder(prompt)) add('subject', (column) => sql`${column} = ${indexable(prompt)}`)
  return conditions
}

const inChanges = (id: Sql, condition: Sql) =>
  sql`(select 1 from changes as c where c.id = ${id} and ${condition})`

const facetRange = (facet: string): Range => ({ table: 'change_facets', where: [sql`s.facet = ${facet}`] })

/** A facet for each kind and label of the filter, of which a change needs one. */
export function facetsOfFilter({ kind, label }: Pick<ListFilter, 'kind' | 'label'>): string[] {
  if (label === null) return kind.map(kindFacet)
  return kind.length === 0 ? [labelFacet(label)] : kind.map((one) => kindLabelFacet(one, label))
}

const concernsDeliveries = ({ status, target, http }: ListFilter) =>
  target !== null || http.length > 0 || status.some((one) => one !== 'settling')

/** Whether open changes pass. They have no deliveries yet. */
const includesSettling = ({ status, target, http }: ListFilter) =>
  status.includes('settling') && target === null && http.length === 0

const attemptedStatuses = ({ status }: ListFilter) =>
  status.filter((one) => one !== 'settling' && one !== 'held')

/** What one delivery `d` of the change must be. `open`: targets whose circuit is open. */
function deliveryConditions(filter: ListFilter, open: string[]): Sql[] {
  const { status, target, http } = filter
  const conditions: Sql[] = []
  if (target !== null) conditions.push(sql`d.target = ${target}`)
  if (http.length > 0) conditions.push(sql`d.http_class in (${sql.join(http)})`)
  const statuses = attemptedStatuses(filter)
  const either: Sql[] = []
  if (statuses.length > 0) either.push(sql`d.status in (${sql.join(statuses)})`)
  if (status.includes('held') && open.length > 0)
    either.push(sql`d.status in (${sql.join(waiting)}) and d.target in (${sql.join(open)})`)
  if (either.length > 0) conditions.push(sql`(${sql.join(either, sql` or `)})`)
  else if (status.length > 0) conditions.push(sql`1 = 0`)
  else if (target !== null) conditions.push(sql`d.status <> 'skipped'`)
  return conditions
}

interface Known {
  /** The targets whose deliveries a status is compared with. */
  targets: string[]
  /** Those whose circuit is open. */
  open: string[]
  /**
   * For SQLite, which would choose another index and read each row: 120,000 lookups in 300 ms instead of 50, 10 s from a
   * cold disk.
   */
  sentIndex: Sql
}

function deliveryCheck(filter: ListFilter, { targets, open, sentIndex }: Known): Check {
  const conditions = deliveryConditions(filter, open)
  const hasNoHttp = filter.http.length === 0
  // These are all targets. With them named, the index of statuses answers, and no row is read.
  if (targets.length > 0 && hasNoHttp) conditions.push(sql`d.target in (${sql.join(targets)})`)
  const by = hasNoHttp && filter.status.length === 0 ? sentIndex : sql``
  const delivery: Check = (id) => sql`(select 1 from deliveries as d ${by} where d.change_id = ${id}
    and ${and(conditions)} limit 1) = 1`
  const isOpen: Check = (id) => sql`${inChanges(id, sql`c.next_at is not null`)} = 1`
  if (!includesSettling(filter)) return delivery
  return concernsDeliveries(filter) ? (id) => sql`(${delivery(id)} or ${isOpen(id)})` : isOpen
}

/**
 * Each target and status is an index range, and so is an HTTP class, and a target's deliveries that were not skipped. If a
 * class is combined with a status or a target, neither range covers the check, which has to find both in one delivery.
 */
function deliverySources(filter: ListFilter, { targets, open }: Known, check: Check): Source[] {
  const { status, target, http } = filter
  const on = (...where: Sql[]): Range => ({ table: 'deliveries', where })
  const sources: Source[] = []
  if (http.length > 0) {
    const isWhole = status.length === 0 && target === null
    const ranges = http.map((one) => ({ ...on(sql`s.http_class = ${one}`), repeats: true }))
    sources.push({ ranges, covers: isWhole ? check : null })
  }
  const covers = http.length === 0 ? check : null
  if (status.length > 0) {
    const ranges = (target === null ? targets : [target]).flatMap((name) => {
      const held = status.includes('held') && open.includes(name) ? waiting : []
      const statuses = new Set([...attemptedStatuses(filter), ...held])
      return [...statuses].map((one) => on(sql`s.target = ${name}`, sql`s.status = ${one}`))
    })
    sources.push({ ranges: includesSettling(filter) ? [...ranges, settling()] : ranges, covers })
  } else if (target !== null)
    sources.push({ ranges: [on(sql`s.target = ${target}`, sql`s.status <> 'skipped'`)], covers })
  return sources
}

/** How to read the changes that pass a filter, apart from its words. `now`: for which circuits are open. */
export async function planList(db: Db, filter: ListFilter, now: number): Promise<Plan> {
  const sources: Source[] = []
  const checks: Check[] = []
  const add = (check: Check, ...ranges: Range[]) => {
    checks.push(check)
    if (ranges.length > 0) sources.push({ ranges, covers: check })
  }
  const facets = facetsOfFilter(filter)
  if (facets.length > 0)
    add(
      (id) => sql`(select 1 from change_facets as x
        where x.facet in (${sql.join(facets)}) and x.change_id = ${id} limit 1) = 1`,
      ...facets.map(facetRange),
    )
  // Tests are few, so this lookup is in an index that is almost empty.
  if (filter.test === 'hidden') add((id) => sql`${inChanges(id, sql`c.test = 1`)} is null`)
  for (const condition of columnConditions(filter))
    add((id) => sql`${inChanges(id, condition('c'))} = 1`, { table: 'changes', where: [condition('s')] })
  const { prompt } = filter
  if (prompt !== null && isFolder(prompt)) {
    const isIn = (subject: Sql) => sql`${subject} >= ${prompt} and ${subject} < ${prompt + lastCharacter}`
    // An open change has no facets yet.
    const ranges = [facetRange(folderFacet(prompt)), settling(isIn(sql`s.subject`))]
    add((id) => sql`${inChanges(id, isIn(sql`c.subject`))} = 1`, ...ranges)
  }
  if (filter.status.length === 0 && !concernsDeliveries(filter)) return { sources, checks, delivery: null }
  const known = await knownOf(db, filter, now)
  const delivery = deliveryCheck(filter, known)
  sources.push(...deliverySources(filter, known, delivery))
  return { sources, checks: [...checks, delivery], delivery }
}

async function knownOf(db: Db, { status, target }: ListFilter, now: number): Promise<Known> {
  const needsTargets = target === null && status.some((one) => one !== 'settling')
  return {
    targets: needsTargets ? await knownTargets(db) : [],
    open: status.includes('held') ? [...(await openCircuits(db, now)).keys()] : [],
    sentIndex: isPostgres(db) ? sql`` : sql`indexed by deliveries_sent`,
  }
}
