import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import { type Db, openDatabase } from '#lib/store/client.ts'

/** A new store of one engine: `url` opens it, again and from other processes too. */
export interface TestStore {
  url: string
  db: Db
  close: () => Promise<void>
}

/** A server for temporary databases, `postgres://user@host:port/`: if set, Postgres is tested instead of SQLite. */
const server = process.env.TEST_POSTGRES_URL

async function sqliteStore(): Promise<TestStore> {
  const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-test-'))
  const url = `file:${join(folder, 'relay.db')}`
  const db = await openDatabase(url)
  const close = async () => {
    await db.destroy()
    rmSync(folder, { recursive: true })
  }
  return { url, db, close }
}

async function runOnPostgres(database: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: new URL(`/${database}`, server).href })
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** An empty database, not yet migrated. `options`: for `create database`. */
export async function emptyPostgres(options = ''): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `prompt_relay_test_${randomBytes(6).toString('hex')}`
  await runOnPostgres('postgres', `create database ${name} ${options}`)
  const drop = () => runOnPostgres('postgres', `drop database ${name} with (force)`)
  return { url: new URL(`/${name}`, server).href, drop }
}

async function postgresStore(): Promise<TestStore> {
  const { url, drop } = await emptyPostgres()
  const db = await openDatabase(url)
  const close = async () => {
    await db.destroy()
    await drop()
  }
  return { url, db, close }
}

const storedFixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/stores/${name}`, import.meta.url))

/**
 * A store written by the version whose newest migration was `name`, not yet opened by this one. It holds changes of
 * most kinds with their events, deliveries and attempts; two changes are open, and deliveries wait.
 */
export async function storeOfVersion(name: '0001-start'): Promise<Pick<TestStore, 'url' | 'close'>> {
  if (server === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-test-'))
    const path = join(folder, 'relay.db')
    writeFileSync(path, gunzipSync(storedFixture(`${name}.db.gz`)))
    return { url: `file:${path}`, close: async () => rmSync(folder, { recursive: true }) }
  }
  const { url, drop } = await emptyPostgres()
  await runOnPostgres(new URL(url).pathname.slice(1), storedFixture(`${name}.sql`).toString())
  return { url, close: drop }
}

/** The engine to test; one suite serves both. */
export const engines: [string, () => Promise<TestStore>][] =
  server === undefined ? [['SQLite', sqliteStore]] : [['Postgres', postgresStore]]
