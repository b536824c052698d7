import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLoop, type Loop } from '#lib/pipeline/loop.ts'
import { claimChanges, newChange, openingChanges } from '#lib/store/tables/changes.ts'
import { claimDeliveries } from '#lib/store/tables/deliveries.ts'
import { queueChanges, slackTargets, type WatchedStore, watchStore } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

/** In SQLite, a writing transaction locks the whole store, and others wait for it. */
describe.each(engines)('work that another instance holds, on %s', (engine, open) => {
  let store: TestStore
  let watched: WatchedStore
  let loop: Loop
  let sent = 0
  beforeEach(async () => {
    store = await open()
    watched = watchStore(store.url)
    sent = 0
    loop = createLoop({
      db: watched.db,
      routes: { targets: slackTargets('slack'), rules: [], alertTargets: [] },
      now: Date.now,
      random: Math.random,
      sleep,
      fetch: async () => {
        sent++
        return new Response('ok')
      },
      retentionDays: 90,
      urls: { langfuse: 'https://langfuse.test', public: 'https://relay.test' },
      onError: (error) => {
        throw error
      },
    })
  })
  afterEach(async () => {
    await loop.stop()
    await watched.db.destroy()
    await store.close()
  })

  /** Statements in two seconds, not counting those at an instance's start. */
  async function statementsMeanwhile(): Promise<number> {
    await loop.start()
    await sleep(500)
    const before = watched.statements()
    await sleep(2000)
    return watched.statements() - before
  }

  it.runIf(engine === 'Postgres')(
    'is checked a few times a second, and settled once it is free',
    async () => {
      const now = Date.now()
      const row = newChange({ now, openKey: 'k', projectId: 'p1', subject: 'a', version: 1, eventCount: 1 })
      await openingChanges(store.db, [row]).execute()
      const other = await store.db.startTransaction().execute()
      expect(await claimChanges(other, { now, id: null })).toHaveLength(1)
      expect(await statementsMeanwhile()).toBeLessThan(150)
      await other.rollback().execute()
      await sleep(1000)
      // A change without events is deleted.
      expect(await store.db.selectFrom('changes').select('id').execute()).toEqual([])
    },
  )

  it.runIf(engine === 'Postgres')('is sent once, by the instance that gets it', async () => {
    await queueChanges(store.db, 1, ['slack'])
    const other = await store.db.startTransaction().execute()
    expect(await claimDeliveries(other, 'slack', { max: 10, now: Date.now() }, 1000)).toHaveLength(1)
    expect(await statementsMeanwhile()).toBeLessThan(150)
    expect(sent).toBe(0)
    await other.rollback().execute()
    await sleep(1000)
    expect(sent).toBe(1)
  })
})
