import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Routes } from '#lib/core/rules/rules.ts'
import { cancelDelivery, replayChange, replayDelivery } from '#lib/pipeline/replay/replay.ts'
import { allTargets, ensureTargets } from '#lib/store/tables/targets.ts'
import { queueChanges, slackTargets } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

/** Later than what the tests queue, so that ids sort in the order in which they are created. */
const now = Date.now() + 3_600_000

const routes = (names: string[], to: string[] = names): Routes => ({
  targets: slackTargets(...names),
  rules: [{ name: "today's rule", on: ['label-added'], to }],
  alertTargets: [],
})

describe.each(engines)('replaying on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const rows = () => store.db.selectFrom('deliveries').selectAll().orderBy('id').execute()
  const set = (target: string, values: object) =>
    store.db.updateTable('deliveries').set(values).where('target', '=', target).execute()
  const deps = (configured: Routes) => ({ db: store.db, routes: configured, now: () => now })
  const ended = { next_at: null, finished_at: 5, failures: 13, attempt: 13, reason: 'no' }

  it.each(['delivered', 'failed', 'cancelled', 'retrying'])(
    'queues a delivery that is %s again, at the start of its schedule and under its own id',
    async (status) => {
      const [queued] = await queueChanges(store.db, 1, ['slack'], { ...ended, status: status as 'failed' })
      expect(await replayDelivery(store.db, queued?.id ?? '', now)).toEqual({ ok: true })
      expect(await rows()).toEqual([
        { ...queued, status: 'queued', failures: 0, next_at: now, finished_at: null, reason: null },
      ])
    },
  )

  it.each([
    ['sending', 'It is being sent right now.'],
    ['skipped', 'A rule skipped it, so there is nothing to send again.'],
  ])('leaves alone what is %s', async (status, message) => {
    const [queued] = await queueChanges(store.db, 1, ['slack'], { status: status as 'sending' })
    expect(await replayDelivery(store.db, queued?.id ?? '', now)).toEqual({ ok: false, message })
    expect(await rows()).toEqual([queued])
  })

  it.each(['queued', 'retrying'])('cancels a delivery that is %s', async (status) => {
    const [queued] = await queueChanges(store.db, 1, ['slack'], { status: status as 'queued' })
    expect(await cancelDelivery(store.db, queued?.id ?? '', now)).toEqual({ ok: true })
    expect((await rows())[0]).toMatchObject({ status: 'cancelled', next_at: null, finished_at: now })
  })

  it.each(['sending', 'delivered', 'failed', 'skipped', 'cancelled'])(
    'does not cancel what is %s',
    async (status) => {
      const [queued] = await queueChanges(store.db, 1, ['slack'], { status: status as 'failed' })
      expect(await cancelDelivery(store.db, queued?.id ?? '', now)).toMatchObject({ ok: false })
      expect(await rows()).toEqual([queued])
    },
  )

  it('reports a missing delivery or change', async () => {
    expect(await replayDelivery(store.db, 'dlv_none', now)).toMatchObject({ ok: false })
    expect(await cancelDelivery(store.db, 'dlv_none', now)).toMatchObject({ ok: false })
    expect(await replayChange(deps(routes([])), 'chg_none', 'as-it-was')).toBeNull()
  })

  it('replays a change as before: to its targets, not to those that a rule excluded or that are gone', async () => {
    const queued = await queueChanges(store.db, 1, ['a', 'b', 'gone', 'no'], ended)
    await set('a', { status: 'delivered' })
    await set('b', { status: 'failed' })
    await set('no', { status: 'skipped' })
    const replayed = await replayChange(
      deps(routes(['a', 'b', 'no', 'new'])),
      queued[0]?.change_id ?? '',
      'as-it-was',
    )
    expect(replayed).toEqual({
      queued: queued.slice(0, 2).map(({ id }) => id),
      left: [{ target: 'gone', why: 'This target no longer exists.' }],
    })
    expect((await rows()).map(({ target, status }) => [target, status])).toEqual([
      ['a', 'queued'],
      ['b', 'queued'],
      ['gone', 'queued'],
      ['no', 'skipped'],
    ])
  })

  it('replays a change by the current rules: also to new targets, and no longer to those that no rule matches', async () => {
    const queued = await queueChanges(store.db, 1, ['a', 'was-skipped', 'unwanted'], {
      ...ended,
      status: 'delivered',
    })
    await set('was-skipped', { status: 'skipped', rule: 'a clause', fact: 'null' })
    const today = routes(['a', 'was-skipped', 'unwanted', 'new'], ['a', 'was-skipped', 'new'])
    const replayed = await replayChange(deps(today), queued[0]?.change_id ?? '', 'todays-rules')
    expect(replayed?.left.map(({ target }) => target)).toEqual(['unwanted'])
    const after = await rows()
    expect(after.map(({ target, status, rule }) => [target, status, rule])).toEqual([
      ['a', 'queued', "today's rule"],
      ['was-skipped', 'queued', "today's rule"],
      ['unwanted', 'delivered', 'a rule'],
      ['new', 'queued', "today's rule"],
    ])
    expect(after.slice(0, 3).map(({ id }) => id)).toEqual(queued.map(({ id }) => id))
    expect(after.map(({ fact }) => fact)).not.toContain('null')
  })
})

describe.each(engines)('the targets on %s', (_, openStore) => {
  it('keep their state across a restart', async () => {
    const store = await openStore()
    await ensureTargets(store.db, ['a'])
    await store.db.updateTable('targets').set({ failures: 4 }).execute()
    await ensureTargets(store.db, ['a', 'b'])
    expect((await allTargets(store.db)).map(({ name, failures }) => [name, failures])).toEqual([
      ['a', 4],
      ['b', 0],
    ])
    await store.close()
  })
})
