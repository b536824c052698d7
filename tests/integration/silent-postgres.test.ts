import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { within } from '#lib/base/deadline.ts'
import { isDataError } from '#lib/base/store-error.ts'
import { type Arrival, receiver } from '#lib/pipeline/receive.ts'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { type PostgresProxy, startPostgresProxy } from '../mocks/postgres-proxy.ts'
import { emptyPostgres } from './stores.ts'

const body = new TextEncoder().encode('{}')
const arrival = (key: string, type = 'prompt-version'): Arrival => ({
  source: 'langfuse-webhook',
  dedupe_key: key,
  twin_key: null,
  type,
  action: 'created',
  project_id: 'p1',
  subject: key,
  version: 7,
  occurred_at: 1000,
  received_at: 2000,
  headers: '{}',
  signature: 'v1',
  secret_hint: 'cdef',
  size: body.byteLength,
  body,
  test: false,
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

  it('refuses ten events together, one time-out after they came, and takes them when it is back', async () => {
    const receive = receiver(db, { settleMs: 2000, now: Date.now })
    await receive(arrival('before'))
    proxy.fallSilent()
    const startedAt = performance.now()
    const keys = Array.from({ length: 10 }, (_, i) => `event ${i}`)
    const refused = await Promise.allSettled(keys.map((key) => receive(arrival(key))))
    // One by one it would be ten times as long.
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(refused.map(({ status }) => status)).toEqual(Array(10).fill('rejected'))
    proxy.mend()
    const again = await Promise.all(keys.map((key) => receive(arrival(key))))
    expect(again.map(({ status }) => status)).toEqual(Array(10).fill('accepted'))
  })

  it('leaves nobody to wait longer than the deadline', async () => {
    const receive = receiver(db, { settleMs: 2000, now: Date.now })
    await receive(arrival('before'))
    proxy.fallSilent()
    const startedAt = performance.now()
    await expect(within(500, 'The store', receive(arrival('late')))).rejects.toThrow('within 0.5 s')
    expect(performance.now() - startedAt).toBeLessThan(4000)
  })
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
