import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BudgetUse, RateBucket } from '#lib/core/polling/request-budget.ts'
import { bucketOf, getFromLangfuse } from '#lib/langfuse/api/request.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { isPostgres, openDatabase } from '#lib/store/client.ts'
import { requestBudget } from '#lib/store/tables/request-budget.ts'
import { engines, type TestStore } from './stores.ts'

describe.each(engines)('the budget of requests on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    time = 1_787_000_000_000
    store = await openStore()
  })
  afterEach(() => store.close())

  const now = () => time
  /** As another instance would draw: only the store remembers anything. */
  const draw = (use: BudgetUse, perMinute = 20, name = 'p1') =>
    requestBudget(store.db, { name, perMinute }, now)(use)
  /** How many of 100 simultaneous requests are allowed. */
  async function drawn(use: BudgetUse, perMinute = 20): Promise<number> {
    const waits = []
    for (let i = 0; i < 100; i++) waits.push(await draw(use, perMinute))
    return waits.filter((wait) => wait === 0).length
  }

  it('lasts a minute from its first request, and says how long to wait', async () => {
    expect(await drawn('person')).toBe(20)
    time += 59_000
    expect(await draw('person')).toBe(1000)
    time += 1000
    expect(await drawn('person')).toBe(20)
  })

  it('is separate for each project', async () => {
    expect(await drawn('person')).toBe(20)
    expect(await draw('person', 20, 'p2')).toBe(0)
  })

  it('is separate for each of the rate limits of Langfuse, of which prompts have none', async () => {
    const budget = requestBudget(store.db, { name: 'p1', perMinute: 20 }, now)
    const allowed = async (bucket: RateBucket): Promise<number> => {
      let count = 0
      for (let i = 0; i < 50; i++) if ((await budget('person', bucket)) === 0) count += 1
      return count
    }
    expect(await allowed('legacy')).toBe(10)
    expect(await allowed('public-api')).toBe(20)
    expect(await allowed('prompts')).toBe(50)
  })

  it.each([
    ['/api/public/v2/prompts/a%2Fb', 'prompts'],
    ['/api/public/v2/prompts', 'prompts'],
    ['/api/public/v2/observations', 'public-api'],
    ['/api/public/v3/scores', 'public-api'],
    ['/api/public/projects', 'public-api'],
    ['/api/public/traces/x', 'legacy'],
    ['/api/public/observations', 'legacy'],
    ['/api/public/sessions/x', 'legacy'],
  ])('counts %s towards %s', (path, bucket) => {
    expect(bucketOf(path)).toBe(bucket)
  })

  it('reserves a quarter for what someone is waiting for, out of reach of polling', async () => {
    expect(await drawn('poll')).toBe(15)
    expect(await drawn('callback')).toBe(5)
    expect(await draw('person')).toBeGreaterThan(0)
  })

  it('gives strangers at most half, and nothing of what is reserved for others', async () => {
    expect(await drawn('stranger')).toBe(10)
    expect(await drawn('poll')).toBe(5)
    expect(await drawn('stranger')).toBe(0)
    expect(await drawn('callback')).toBe(5)
  })

  it.each([1, 2, 3])('of %i a minute lets each use draw one', async (perMinute) => {
    for (const use of ['person', 'callback', 'stranger', 'poll'] as const) {
      expect(await draw(use, perMinute)).toBe(0)
      time += 60_000
    }
  })

  it('of few a minute still reserves one from polling', async () => {
    expect(await drawn('poll', 2)).toBe(1)
    expect(await drawn('callback', 2)).toBe(1)
  })

  it('is never overdrawn by several instances at once', async () => {
    // Two handles on one SQLite file in one process would wait for each other, so on SQLite the two share one.
    const other = isPostgres(store.db) ? await openDatabase(store.url) : store.db
    const waits = await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        requestBudget(i % 2 ? store.db : other, { name: 'p1', perMinute: 20 }, now)('person'),
      ),
    )
    if (other !== store.db) await other.destroy()
    expect(waits.filter((wait) => wait === 0)).toHaveLength(20)
  })

  it('does not wait for a clock that was set back', async () => {
    await drawn('person')
    time -= 3_600_000
    expect(await draw('person')).toBe(0)
  })

  it('sends nothing to Langfuse once it is spent, and says why', async () => {
    let asked = 0
    const fetch = async () => {
      asked++
      return Response.json({})
    }
    const api = {
      baseUrl: 'https://l.test',
      publicKey: 'pk',
      secretKey: 'sk',
      fetch,
      draw: () => draw('callback', 1),
    }
    expect(await getFromLangfuse(api, '/api/public/x')).toMatchObject({ ok: true })
    expect(await getFromLangfuse(api, '/api/public/x')).toMatchObject({
      ok: false,
      isOverBudget: true,
      retryAfterMs: 60_000,
      message: "This minute's requests to Langfuse are used up: the next may be sent in 60 s",
    })
    expect(asked).toBe(1)
  })

  it('of keys that are no longer used is deleted', async () => {
    await draw('person')
    time += 2 * 86_400_000
    await prune(store.db, { retentionDays: 90, now, stopping: () => false })
    expect(await store.db.selectFrom('request_budget').selectAll().execute()).toEqual([])
  })
})
