import { sql } from 'kysely'
import { firstIdAt } from '#lib/base/id.ts'
import { indexable } from '#lib/core/change/indexable.ts'
import { type ListFilter, timeRange } from '#lib/core/list/filter.ts'
import { termsOf } from '#lib/core/list/search-words.ts'
import { type Db, isPostgres } from '#lib/store/client.ts'
import { and, facetsOfFilter } from '#lib/store/search/plan.ts'
import type { Sql } from '#lib/store/statement.ts'

/** The list as one would write it first: one statement with all conditions, and the engine chooses the indexes. */

const any = (conditions: Sql[]): Sql => sql`(${sql.join(conditions, sql` or `)})`

function onDelivery({ status, target, http }: ListFilter, open: string[]): Sql[] {
  const statuses = status.filter((one) => one !== 'settling' && one !== 'held')
  const either: Sql[] = []
  if (statuses.length > 0) either.push(sql`d.status in (${sql.join(statuses)})`)
  if (status.includes('held') && open.length > 0)
    either.push(sql`d.status in ('queued', 'retrying') and d.target in (${sql.join(open)})`)
  return [
    ...(target === null ? [] : [sql`d.target = ${target}`]),
    ...(http.length === 0 ? [] : [sql`d.http_class in (${sql.join(http)})`]),
    ...(either.length > 0 ? [any(either)] : status.length > 0 ? [sql`1 = 0`] : []),
    ...(target !== null && status.length === 0 ? [sql`d.status <> 'skipped'`] : []),
  ]
}

function onChange(filter: ListFilter, open: string[]): Sql[] {
  const { test, danger, project, prompt, status, target, http } = filter
  const conditions: Sql[] = []
  if (test !== 'shown') conditions.push(sql`c.test = ${test === 'only' ? 1 : 0}`)
  if (danger) conditions.push(sql`c.danger = 1`)
  if (project !== null) conditions.push(sql`c.project_id = ${project}`)
  if (prompt?.endsWith('/'))
    conditions.push(sql`c.subject >= ${prompt} and c.subject < ${`${prompt}\u{10ffff}`}`)
  else if (prompt !== null) conditions.push(sql`c.subject = ${indexable(prompt)}`)
  const facets = facetsOfFilter(filter)
  if (facets.length > 0)
    conditions.push(sql`exists (select 1 from change_facets as x
      where x.change_id = c.id and x.facet in (${sql.join(facets)}))`)
  const delivery = onDelivery(filter, open)
  const either: Sql[] = []
  if (delivery.length > 0)
    either.push(sql`exists (select 1 from deliveries as d where d.change_id = c.id and ${and(delivery)})`)
  if (status.includes('settling') && target === null && http.length === 0)
    either.push(sql`c.next_at is not null`)
  return either.length === 0 ? conditions : [...conditions, any(either)]
}

/** The engine's index of words, joined: SQLite's gives rows, of which the ids of changes are made. */
function fromWords(db: Db, q: string | null): { from: Sql; where: Sql[]; id: Sql; order: Sql } {
  const plain = { from: sql`changes as c`, where: [], id: sql`c.id`, order: sql`c.id` }
  const terms = termsOf(q ?? '')
  if (terms.length === 0) return plain
  if (isPostgres(db)) {
    const query = terms.map(({ word, isBeginning }) => `'${word}'${isBeginning ? ':*' : ''}`).join(' & ')
    const where = sql`exists (select 1 from search as w where w.change_id = c.id and w.words @@ ${query}::tsquery)`
    return { ...plain, where: [where] }
  }
  const query = terms.map(({ word, isBeginning }) => `"${word}"${isBeginning ? '*' : ''}`).join(' AND ')
  const prefix = (row: Sql) => sql`'chg_' || printf('%016x', ${row})`
  return {
    from: sql`(select rowid from search where search match ${query} order by rowid desc) as w cross join changes as c`,
    where: [sql`c.id >= ${prefix(sql`w.rowid >> 1`)} and c.id < ${prefix(sql`(w.rowid >> 1) + 1`)}`],
    id: sql`distinct c.id`,
    order: sql`w.rowid`,
  }
}

/** The ids of the newest `max` changes that the filter lets through, before the one named. */
export async function plainIds(
  db: Db,
  { filter, now }: { filter: ListFilter; now: number },
  before: string | null,
  max: number,
): Promise<string[]> {
  const { from, to } = timeRange(filter.time, now)
  const open = await db.selectFrom('targets').select('name').where('open_until', '>', now).execute()
  const words = fromWords(db, filter.q)
  const where = [
    ...words.where,
    ...onChange(
      filter,
      open.map(({ name }) => name),
    ),
    ...(from === null ? [] : [sql`c.id > ${firstIdAt('chg', from)}`]),
    ...(to === null ? [] : [sql`c.id < ${firstIdAt('chg', to + 1)}`]),
    ...(before === null ? [] : [sql`c.id < ${before}`]),
  ]
  const { rows } = await sql<{ id: string }>`select ${words.id} from ${words.from} where ${and(where)}
    order by ${words.order} desc limit ${max}`.execute(db)
  return rows.map(({ id }) => id)
}
