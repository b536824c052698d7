import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Db, isPostgres } from '#lib/store/client.ts'
import { tryToWrite } from '#lib/store/probe.ts'
import { unsynced } from '#lib/store/unsynced.ts'
import { engines, type TestStore } from './stores.ts'

/** Whether a commit on this connection waits for the disk. */
async function waits(db: Db): Promise<boolean> {
  if (isPostgres(db)) {
    const { rows } = await sql<{ is: string }>`select current_setting('synchronous_commit') as "is"`.execute(
      db,
    )
    return rows[0]?.is === 'on'
  }
  const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db)
  return rows[0]?.synchronous === 2
}

describe.each(engines)('commits on %s', (engine, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  it('wait for the disk, except each one whose work can be repeated', async () => {
    expect(await waits(store.db)).toBe(true)
    for (let round = 0; round < 2; round++) {
      expect(await unsynced(store.db, waits)).toBe(false)
      expect(await store.db.transaction().execute(waits)).toBe(true)
    }
  })

  it.runIf(engine === 'SQLite')(
    'report that the disk is full, not that there is nothing to roll back',
    async () => {
      const { db } = store
      const write = (trx: Db) => tryToWrite(trx, 1, 1_000_000)
      await sql`pragma max_page_count = 1`.execute(db)
      await expect(db.transaction().execute(write)).rejects.toThrow('database or disk is full')
      await expect(unsynced(db, write)).rejects.toThrow('database or disk is full')
      expect(await waits(db)).toBe(true)
      await sql`pragma max_page_count = 1000000`.execute(db)
      await db.transaction().execute(write)
      const rows = await db.selectFrom('write_probe').select('at').execute()
      expect(rows).toEqual([{ at: 1 }])
    },
  )

  it('wait again after one that failed', async () => {
    const failing = unsynced(store.db, async () => {
      throw new Error('a bug')
    })
    await expect(failing).rejects.toThrow('a bug')
    expect(await store.db.transaction().execute(waits)).toBe(true)
  })
})
