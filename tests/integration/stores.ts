import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Db, openDatabase } from '#lib/db/client.ts'

/** A fresh store of one engine: `url` opens it, again and from other processes too. */
export interface TestStore {
  url: string
  db: Db
  close: () => Promise<void>
}

/** A server for throw-away databases, `postgres://user@host:port/`: with it Postgres is tested in place of SQLite. */
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

/** An empty database, not yet migrated. */
export async function emptyPostgres(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `prompt_relay_test_${randomBytes(6).toString('hex')}`
  const admin = async (sql: string) => {
    const client = new pg.Client({ connectionString: new URL('/postgres', server).href })
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  await admin(`create database ${name}`)
  return { url: new URL(`/${name}`, server).href, drop: () => admin(`drop database ${name} with (force)`) }
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

/** The engine to test: one suite for both. */
export const engines: [string, () => Promise<TestStore>][] =
  server === undefined ? [['SQLite', sqliteStore]] : [['Postgres', postgresStore]]
