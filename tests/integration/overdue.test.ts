import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prune } from '#lib/pipeline/prune.ts'
import { newChange, overdueChanges } from '#lib/store/tables/changes.ts'
import { engines, type TestStore } from './stores.ts'

const now = 1_800_000_000_000
const minute = 60_000

describe.each(engines)('overdue changes on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const open = (id: string, dueAt: number, nextAt: number | null) =>
    store.db
      .insertInto('changes')
      .values({
        ...newChange({ now: dueAt, projectId: 'p', subject: id, version: 1, eventCount: 1 }),
        ...{ id, next_at: nextAt, ...(nextAt === null && { status: 'settled', settled_at: dueAt }) },
      })
      .execute()
  const fail = (id: string, at: number, reason: string) =>
    store.db
      .insertInto('settle_failures')
      .values({ change_id: id, failures: 1, first_at: at, last_at: at, reason })
      .execute()

  it("do not include settled changes, those just due, or those waiting for Langfuse's answer", async () => {
    await open('settled', now - 60 * minute, null)
    await open('fresh', now - 5000, now - 5000)
    await open('waits', now - 5 * minute, now + 10_000)
    await open('gathers', now + 30 * minute, now + 30 * minute)
    expect(await overdueChanges(store.db, now)).toEqual({ count: 0, oldest: null, reason: null })
  })

  it('include those that no instance settles and those that failed, with the newest reason', async () => {
    await open('forgotten', now - 17 * 24 * 60 * minute, now - 17 * 24 * 60 * minute)
    await open('failed', now - 3 * minute, now + minute)
    await open('failed-before', now - 9 * minute, now + minute)
    await fail('failed-before', now - 8 * minute, 'an older error')
    await fail('failed', now - 2 * minute, 'too many SQL variables')
    expect(await overdueChanges(store.db, now)).toEqual({
      count: 3,
      oldest: now - 17 * 24 * 60 * minute,
      reason: 'too many SQL variables',
    })
  })

  it('lose their failures once they have settled', async () => {
    await open('settled', now - 3 * minute, null)
    await open('open', now - 3 * minute, now)
    await fail('settled', now, 'a bug')
    await fail('open', now, 'a bug')
    await fail('gone', now, 'a bug')
    await prune(store.db, { retentionDays: 90, now: () => now, stopping: () => false })
    const rows = await store.db.selectFrom('settle_failures').select('change_id').execute()
    expect(rows).toEqual([{ change_id: 'open' }])
  })
})
