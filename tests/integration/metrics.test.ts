import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { metricsText } from '#lib/base/metrics.ts'
import { lookState } from '#lib/core/reconcile/state.ts'
import { storeFamilies } from '#lib/pipeline/exported-metrics.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { isPostgres } from '#lib/store/client.ts'
import { maxCounted } from '#lib/store/statement.ts'
import { saveLook } from '#lib/store/tables/looks.ts'
import { addCount } from '#lib/store/tables/reconcile-counts.ts'
import { ensureTargets, updateTarget } from '#lib/store/tables/targets.ts'
import { openChangeCount, queueDepths } from '#lib/store/views/metrics.ts'
import { langfuseProject } from '../projects.ts'
import { queueChanges } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

describe.each(engines)('metrics on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const lines = async (now = Date.now()) => metricsText(await storeFamilies(store.db, now)).split('\n')

  it('show that nothing waits in an empty store', async () => {
    const text = await lines()
    expect(text).toContain('prompt_relay_open_changes 0')
    expect(text).toContain('prompt_relay_oldest_waiting_seconds 0')
    expect(text.some((line) => line.startsWith('prompt_relay_last_signed'))).toBe(false)
  })

  it('show the deliveries by status, how long the oldest has been waiting, and which circuit is open', async () => {
    await ensureTargets(store.db, ['slack', 'github'])
    await queueChanges(store.db, 3, ['slack'])
    await queueChanges(store.db, 2, ['github'], { status: 'failed', next_at: null })
    await queueChanges(store.db, 1, ['github'], { status: 'delivered', next_at: null })
    const now = Date.now() + 90_000
    await updateTarget(store.db, 'github', { open_until: now + 1, opened: 1 })
    const text = await lines(now)
    expect(text).toContain('prompt_relay_deliveries{target="slack",status="queued"} 3')
    expect(text).toContain('prompt_relay_deliveries{target="slack",status="failed"} 0')
    expect(text).toContain('prompt_relay_deliveries{target="github",status="failed"} 2')
    expect(text).toContain('prompt_relay_circuit_open{target="github"} 1')
    expect(text).toContain('prompt_relay_circuit_open{target="slack"} 0')
    const waiting = text.find((line) => line.startsWith('prompt_relay_oldest_waiting_seconds '))
    expect(Number(waiting?.split(' ')[1])).toBeGreaterThanOrEqual(90)
  })

  it('show what comparing with Langfuse found, from the first scrape on', async () => {
    const day = 86_400_000
    const now = Date.now()
    await addCount(store.db, 'p1', 'missing', { count: 2, from: now, to: now, now })
    await addCount(store.db, 'p1', 'missing', { count: 3, from: 0, to: 0, now: now - 100 * day })
    await addCount(store.db, 'p1', 'unsent', { count: 1, from: now, to: now, now })
    const lease = { projectId: 'p1', restUntil: now }
    await store.db
      .insertInto('polls')
      .values({ name: 'look:support', next_at: now, claim: 1, state: JSON.stringify(lease) })
      .execute()
    const key = { baseUrl: 'https://langfuse.test', projectId: 'p1' }
    await saveLook(store.db, key, lookState.parse({ baselineAt: now - 9 * day, checkedAt: now - 90_000 }))
    const keys = { publicKey: 'pk', secretKey: 'sk' }
    const projects = [
      langfuseProject({ name: 'support', baseUrl: key.baseUrl, keys }),
      langfuseProject({ name: 'sales', id: 'p2' }),
    ]
    const proofs = await proofsOf(
      store.db,
      { env: { RECONCILE_SECONDS: 300 }, projects, problems: [] },
      { now, isServerless: false },
    )
    const text = metricsText(await storeFamilies(store.db, now, proofs))
    expect(text).toContain('prompt_relay_reconciled_total{project="support",what="missing"} 5')
    expect(text).toContain('prompt_relay_reconciled_total{project="support",what="unsent"} 1')
    expect(text).toContain('prompt_relay_reconciled_total{project="support",what="late"} 0')
    expect(text).toContain('prompt_relay_reconcile_missing{project="support"} 2')
    expect(text).toContain('prompt_relay_reconcile_age_seconds{project="support"} 90')
    expect(text).toContain('prompt_relay_reconcile_missing{project="sales"} 0')
    expect(text).not.toContain('age_seconds{project="sales"}')
  })

  it('stop counting at a limit, and count from an index', async () => {
    await ensureTargets(store.db, ['slack'])
    await queueChanges(store.db, maxCounted + 50, ['slack'], { status: 'failed', next_at: null })
    expect(await queueDepths(store.db)).toContainEqual({
      target: 'slack',
      status: 'failed',
      count: maxCounted,
    })
    expect(await openChangeCount(store.db)).toBe(0)
    const query = sql`select 1 from deliveries where target = 'slack' and status = 'failed' limit 10`
    const engine = isPostgres(store.db)
    if (engine) await sql`analyze`.execute(store.db)
    const plan = await (engine ? sql`explain ${query}` : sql`explain query plan ${query}`).execute(store.db)
    // A scan of the whole table stops at the limit too, but only if it has many such rows.
    if (!engine) expect(JSON.stringify(plan.rows)).toContain('deliveries_status')
    const rare = sql`select 1 from deliveries where target = 'slack' and status = 'queued' limit 10000`
    const rarePlan = await (engine ? sql`explain ${rare}` : sql`explain query plan ${rare}`).execute(store.db)
    expect(JSON.stringify(rarePlan.rows)).toMatch(/deliveries_(status|next)/)
  })
})
