import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/db/client.ts'
import { emptyPostgres, engines } from './stores.ts'

const hasPostgres = process.env.TEST_POSTGRES_URL !== undefined

describe.runIf(hasPostgres)('a Postgres', () => {
  // A pooler in transaction mode gives a connection to somebody else between two transactions.
  it.each([
    ['a function', true, false, '0'],
    ['a server', false, true, '20s'],
  ])(
    'opened by %s keeps no lock, and named statements and an end of idle transactions only where no pooler can be',
    async (_, isServerless, hasNamed, idle) => {
      const { url, drop } = await emptyPostgres()
      const db = await openDatabase(url, { isServerless })
      const kept = await db.connection().execute(async (one) => {
        await one.selectFrom('events').select('id').where('id', '=', 'evt_1').execute()
        const statements = await sql<{ n: number }>`
        select count(*) n from pg_prepared_statements where statement like '%"events"%'`.execute(one)
        const locks = await sql<{ n: number }>`
        select count(*) n from pg_locks where locktype = 'advisory'
          and database = (select oid from pg_database where datname = current_database())`.execute(one)
        const timeout = await sql<{ idle: string }>`
          select current_setting('idle_in_transaction_session_timeout') as idle`.execute(one)
        return {
          hasNamed: statements.rows[0]?.n !== 0,
          locks: locks.rows[0]?.n,
          idle: timeout.rows[0]?.idle,
        }
      })
      expect(kept).toEqual({ hasNamed, locks: 0, idle })
      await db.destroy()
      await drop()
    },
  )
})

describe.each(engines)('a store in %s', (_, createStore) => {
  it('is not opened by an older relay than the one that was here last', async () => {
    const { db, url, close } = await createStore()
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')`.execute(db)
    await expect(openDatabase(url)).rejects.toThrow('9999-later')
    await close()
  })
})
