import { sql } from 'kysely'
import { firstIdAt } from '../../base/id.ts'
import type { Bucket } from '../../core/list/buckets.ts'
import type { Db } from '../client.ts'
import { boundedCount, maxCounted } from '../statement.ts'
import { knownTargets } from '../tables/targets.ts'

export interface BucketCount extends Bucket {
  changes: number
  /** Failed deliveries of the changes that opened in this time. */
  failures: number
}

/** How many changes each bucket has, without tests. Reads only indexes. */
export async function countOverTime(db: Db, buckets: Bucket[]): Promise<BucketCount[]> {
  if (buckets.length === 0) return []
  const targets = await knownTargets(db)
  const within = (column: string) => sql`${sql.ref(column)} >= b.low and ${sql.ref(column)} < b.high`
  const failures = targets.map((target) =>
    boundedCount(
      sql`select 1 from deliveries as d where d.target = ${target} and d.status = 'failed' and ${within('d.change_id')}`,
    ),
  )
  // As a pair too: Postgres drops `test = 1`, which the index of tests implies, and would read that from its beginning.
  const tests = sql`select 1 from changes as t where t.test = 1 and ${within('t.id')} and (t.test, t.id) >= (1, b.low)`
  const values = buckets.map(({ from, to }) => sql`(${firstIdAt('chg', from)}, ${firstIdAt('chg', to)})`)
  const { rows } = await sql<{ low: string; changes: number; tests: number; failures: number }>`
    with b(low, high) as (values ${sql.join(values)})
    select b.low,
      ${boundedCount(sql`select 1 from changes as c where ${within('c.id')}`)} as changes,
      ${boundedCount(tests)} as tests,
      ${failures.length === 0 ? sql`0` : sql.join(failures, sql` + `)} as failures
    from b`.execute(db)
  const byLow = new Map(rows.map((row) => [row.low, row]))
  return buckets.map((bucket) => {
    const row = byLow.get(firstIdAt('chg', bucket.from))
    const changes = Number(row?.changes ?? 0)
    const isFull = changes >= maxCounted
    return {
      ...bucket,
      changes: isFull ? changes : changes - Number(row?.tests ?? 0),
      failures: Number(row?.failures ?? 0),
    }
  })
}
