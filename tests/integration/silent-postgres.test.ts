import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { within } from '#lib/base/deadline.ts'
import { isDataError } from '#lib/base/store-error.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { type Db, openDatabase } from '#lib/store/client.ts'
import type { RejectionRow } from '#lib/store/schema.ts'
import { type PostgresProxy, startPostgresProxy } from '../mocks/postgres-proxy.ts'
import { arrival } from './arrivals.ts'
import { emptyPostgres } from './stores.ts'

const body = new TextEncoder().encode('{}')
const named = (key: string): Arrival => arrival({ dedupeKey: key, subject: key })

const rejection = (id: string): RejectionRow => ({
  id,
  at: 2000,
  door: 'langfuse-webhook',
  status_code: 401,
  reason: 'signature-missing',
  message: 'The request has no signature header',
  method: 'POST',
  address: null,
  user_agent: null,
  size: body.byteLength,
  head: body,
})

describe.skipIf(process.env.TEST_POSTGRES_URL === undefined)('a Postgres that falls silent', () => {
  let store: Awaited<ReturnType<typeof emptyPostgres>>
  let proxy: PostgresProxy
  let db: Db
  beforeEach(async () => {
    store = await emptyPostgres()
    proxy = await startPostgresProxy(new URL(store.url))
    db = await openDatabase(proxy.url)
  })
  afterEach(async () => {
    await db.destroy()
    await proxy.close()
    await store.drop()
  })

  it('refuses ten events together after one timeout, and accepts them when it is back', async () => {
    const receive = receiver(db, { settleMs: 2000, now: Date.now })
    await receive(named('before'))
    proxy.fallSilent()
    const startedAt = performance.now()
    const keys = Array.from({ length: 10 }, (_, i) => `event ${i}`)
    const waits = keys.map((key) =>
      receive(named(key)).then(
        () => null,
        () => performance.now() - startedAt,
      ),
    )
    const refusedAfter = (await Promise.all(waits)).filter((ms) => ms !== null)
    expect(refusedAfter).toHaveLength(10)
    // A query may take 8 s: all fail at the same moment, no earlier than that, and before twice that.
    expect(Math.min(...refusedAfter)).toBeGreaterThan(7900)
    expect(Math.max(...refusedAfter)).toBeLessThan(15_000)
    expect(Math.max(...refusedAfter) - Math.min(...refusedAfter)).toBeLessThan(500)
    proxy.mend()
    const again = await Promise.all(keys.map((key) => receive(named(key))))
    expect(again.map(({ status }) => status)).toEqual(Array(10).fill('accepted'))
  })

  it('lets nothing wait longer than the deadline', async () => {
    const receive = receiver(db, { settleMs: 2000, now: Date.now })
    await receive(named('before'))
    proxy.fallSilent()
    const startedAt = performance.now()
    await expect(within(500, 'The store', receive(named('late')))).rejects.toThrow('within 0.5 s')
    expect(performance.now() - startedAt).toBeLessThan(1500)
  })

  it('may break a connection within a transaction, which fails without ending the process', async () => {
    const others = process.listeners('uncaughtException')
    const uncaught: unknown[] = []
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => uncaught.push(error))
    const cut = db.transaction().execute(async (transaction) => {
      await sql`select 1`.execute(transaction)
      proxy.cut()
      await sleep(200)
      await sql`select 1`.execute(transaction)
    })
    await expect(cut).rejects.toThrow()
    process.removeAllListeners('uncaughtException')
    for (const other of others) process.on('uncaughtException', other)
    expect(uncaught).toEqual([])
    proxy.mend()
    const receive = receiver(db, { settleMs: 2000, now: Date.now })
    expect(await receive(named('after'))).toMatchObject({ status: 'accepted' })
  })

  it('does not let refused requests, which anyone can send, pile up in memory', async () => {
    vi.stubEnv('DATABASE_URL', proxy.url)
    vi.stubEnv('LANGFUSE_WEBHOOK_SECRET', 'lf-whsec_0123456789abcdef')
    vi.resetModules()
    const { relay } = await import('#lib/relay.ts')
    const ours = relay().relay
    if (!ours) throw new Error('There is no relay')
    await ours.reject(rejection('before'))
    proxy.fallSilent()
    const ids = Array.from({ length: 3000 }, (_, i) => `rej ${i}`)
    const results = await Promise.allSettled(ids.map((id) => ours.reject(rejection(id))))
    const reasons = results.map((one) => (one.status === 'rejected' ? String(one.reason) : 'stored'))
    const waited = reasons.filter((reason) => !reason.includes('Too much is waiting'))
    expect(waited.length).toBeGreaterThan(900)
    expect(waited.length).toBeLessThan(1200)
    proxy.mend()
    await ours.stop()
    vi.unstubAllEnvs()
  }, 60_000)
})

describe('an error of the store', () => {
  it.each([
    ['an index row beyond its limit', { code: '54000' }, true],
    ['a value that is missing', { code: '23502' }, true],
    ['a text that is not UTF-8', { code: '22021' }, true],
    ["SQLite's constraint", { code: 'ERR_SQLITE_ERROR', errcode: 1299 }, true],
    ['a full disk', { code: '53100' }, false],
    ["SQLite's full disk", { code: 'ERR_SQLITE_ERROR', errcode: 13 }, false],
    ['a shutdown', { code: '57P01' }, false],
    ['a broken connection', { code: 'ECONNRESET' }, false],
    ['a time-out', {}, false],
  ])('%s may be of one event only, or not', (_, more, isOfData) => {
    expect(isDataError(Object.assign(new Error('Query read timeout'), more))).toBe(isOfData)
  })
})
