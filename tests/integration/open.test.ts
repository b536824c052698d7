import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type Migration, type Migrations, migrations } from '#lib/store/migrations/all.ts'
import { emptyPostgres, engines, type TestStore } from './stores.ts'

const hasPostgres = process.env.TEST_POSTGRES_URL !== undefined

async function healthOf(url: string): Promise<Response> {
  vi.stubEnv('DATABASE_URL', url)
  vi.stubEnv('LANGFUSE_WEBHOOK_SECRET', 'lf-whsec_0123456789abcdef')
  vi.resetModules()
  const { GET } = await import('../../app/api/health/route.ts')
  const answer = await GET()
  vi.unstubAllEnvs()
  return answer
}

it('the health endpoint reports a store that cannot be opened, with the reason and without its path', async () => {
  const place = join(tmpdir(), randomUUID(), 'relay.db')
  await mkdir(place, { recursive: true })
  const answer = await healthOf(`file:${place}`)
  const health = await answer.json()
  expect(health).toMatchObject({
    status: 'store-unavailable',
    reason: 'unreachable',
    message: 'The store cannot be used: it cannot be reached.',
  })
  expect(JSON.stringify(health)).not.toContain(place)
  await rm(place, { recursive: true })
})

describe.runIf(hasPostgres)('a Postgres', () => {
  it.each(['LATIN1', 'SQL_ASCII'])('with the encoding %s is refused, with advice', async (encoding) => {
    const { url, drop } = await emptyPostgres(
      `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`,
    )
    const refused = await openDatabase(url).catch((error) => error)
    expect(refused.message).toContain(`has the encoding ${encoding}`)
    expect(refused.fix).toContain("encoding 'UTF8'")
    await drop()
  })

  it('with another encoding than UTF8 is reported by the health endpoint', async () => {
    const { url, drop } = await emptyPostgres(
      "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0",
    )
    const answer = await healthOf(url)
    const { status, problems } = await answer.json()
    expect([answer.status, status]).toEqual([503, 'store-unavailable'])
    expect(problems).toEqual([expect.stringMatching(/has the encoding LATIN1.*encoding 'UTF8'/)])
    await drop()
  })

  // Between two transactions, a pooler in transaction mode gives the connection to another client.
  it.each([
    ['a function', true, false, '0'],
    ['a server', false, true, '20s'],
  ])(
    'opened by %s keeps no lock; named statements and the timeout of idle transactions are used only where no pooler can be',
    async (_, isServerless, hasNamed, idle) => {
      const { url, drop } = await emptyPostgres()
      const db = await openDatabase(url, { isServerless })
      const kept = await db.connection().execute(async (one) => {
        for (let time = 0; time < 2; time++)
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

/** The list of migrations of a later version. */
const later = (migration: Migration): Migrations => ({ ...migrations, '9001-later': async () => migration })
const addsColumn: Migration = {
  up: async ({ schema }) => {
    await schema.alterTable('events').addColumn('later', 'text').execute()
  },
}

describe.each(engines)('a store in %s', (engine, createStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await createStore()
  })
  afterEach(() => store.close())

  const open = async (list?: Migrations) => {
    await (await openDatabase(store.url, list && { migrations: list })).destroy()
  }
  const done = async (table: string) => {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(store.db)
    return rows.map(({ name }) => name)
  }

  it('can be opened by an older version after a newer one only added to it', async () => {
    await open(later(addsColumn))
    expect(await done('migrations')).toContain('9001-later')
    await sql`select later from events`.execute(store.db)
    await open()
    // The table that the first version reads.
    expect(await done('kysely_migration')).toEqual(['0001-start'])
  })

  it('cannot be opened by a version older than a newer one allows, not even by the first', async () => {
    await open(later({ up: async () => {}, oldest: '9001-later' }))
    await expect(open()).rejects.toThrow('9001-later')
    expect(await done('kysely_migration')).toEqual(['0001-start', '9001-later'])
    await open({ ...later(addsColumn), '9002-last': async () => ({ up: async () => {} }) })
  })

  it("gets the name of the first migration if earlier versions wrote it only into the first version's table", async () => {
    await sql`delete from migrations where name = '0001-start'`.execute(store.db)
    await open()
    expect(await done('migrations')).toContain('0001-start')
  })

  it("cannot be opened if the first version's table, not carried over yet, has an unknown migration", async () => {
    await sql`drop table migrations`.execute(store.db)
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')`.execute(
      store.db,
    )
    await expect(open()).rejects.toThrow('9999-later')
  })

  it('is unchanged after a migration that fails', async () => {
    const up = async ({ schema }: Parameters<Migration['up']>[0]) => {
      await schema.alterTable('events').addColumn('later', 'text').execute()
      throw new Error('no space left')
    }
    await expect(open(later({ up }))).rejects.toThrow('no space left')
    expect(await done('migrations')).not.toContain('9001-later')
    await expect(sql`select later from events`.execute(store.db)).rejects.toThrow('later')
  })

  it.runIf(engine === 'Postgres')('lets others work while a migration waits for a locked table', async () => {
    const held = await store.db.startTransaction().execute()
    await held.selectFrom('events').select('id').execute()
    const opening = open(later(addsColumn)).then(
      () => 'opened',
      (error) => String(error),
    )
    await sleep(300)
    const startedAt = performance.now()
    await store.db.selectFrom('events').select('id').execute()
    expect(performance.now() - startedAt).toBeLessThan(7000)
    expect(await opening).toContain('lock timeout')
    await held.rollback().execute()
    await open(later(addsColumn))
  })
})
