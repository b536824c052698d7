import { sql } from 'kysely'
import {
  type BudgetUse,
  budgetLimits,
  type DrawRequest,
  perMinuteOf,
} from '../../core/polling/request-budget.ts'
import type { Db } from '../client.ts'

const minuteMs = 60_000
const dayMs = 86_400_000

/** `name`: of the project's keys, since each project has its own budget. */
interface Budget {
  name: string
  perMinute: number
}

/**
 * Draws one request from the budget of a minute that begins with its first request, across all instances. It is one
 * statement, so that two of them cannot both draw the last one. Returns 0, or the milliseconds until the next minute.
 */
async function drawRequest(
  db: Db,
  { name, perMinute }: Budget,
  use: BudgetUse,
  now: number,
): Promise<number> {
  const { inAll, own } = budgetLimits(use, perMinute)
  const stranger = use === 'stranger' ? 1 : 0
  // A minute that ends more than a minute from now was begun before the clock was set back.
  const isCurrent = sql<boolean>`(request_budget.until > ${now} and request_budget.until <= ${now + minuteMs})`
  const drawn = await db
    .insertInto('request_budget')
    .values({ name, until: now + minuteMs, requests: 1, strangers: stranger })
    .onConflict((c) =>
      c
        .column('name')
        .doUpdateSet({
          requests: sql`case when ${isCurrent} then request_budget.requests else 0 end + 1`,
          strangers: sql`case when ${isCurrent} then request_budget.strangers else 0 end + excluded.strangers`,
          until: sql`case when ${isCurrent} then request_budget.until else excluded.until end`,
        })
        .where(
          sql<boolean>`not ${isCurrent} or (request_budget.requests < ${inAll} and (excluded.strangers = 0 or request_budget.strangers < ${own}))`,
        ),
    )
    .returning('until')
    .executeTakeFirst()
  if (drawn) return 0
  const row = await db
    .selectFrom('request_budget')
    .select('until')
    .where('name', '=', name)
    .executeTakeFirst()
  return Math.max(1, (row?.until ?? now) - now)
}

/** The budget of one project. After a refusal, nothing asks the store again until the minute ends. */
export function requestBudget(db: Db, budget: Budget, now: () => number): DrawRequest {
  const spentUntil = new Map<string, number>()
  return async (use, bucket = 'public-api') => {
    const perMinute = perMinuteOf(bucket, budget.perMinute)
    if (perMinute === null) return 0
    const time = now()
    const key = `${bucket} ${use}`
    const known = (spentUntil.get(key) ?? 0) - time
    if (known > 0 && known <= minuteMs) return known
    const name = bucket === 'public-api' ? budget.name : `${budget.name}:${bucket}`
    const waitMs = await drawRequest(db, { name, perMinute }, use, time)
    if (waitMs > 0) spentUntil.set(key, time + waitMs)
    return waitMs
  }
}

/** Deletes the budgets of keys that are no longer in use. */
export async function forgetBudgets(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('request_budget')
    .where('until', '<', now - dayMs)
    .execute()
}
