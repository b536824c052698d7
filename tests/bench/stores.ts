import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { root } from './build.ts'

export type Engine = 'sqlite' | 'postgres'

/** A fresh place for the relay's data; `drop` leaves nothing behind. */
export interface Store {
  url: string
  drop: () => Promise<void>
}

const server = process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432'

/** Beside the builds, not in the system's temporary folder: that may be in memory, where a sync costs nothing. */
const folders = join(root, 'tests/.output/bench/data')

async function onPostgres(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString: new URL('/postgres', server).href,
    connectionTimeoutMillis: 2000,
  })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

export async function createStore(engine: Engine): Promise<Store> {
  if (engine === 'sqlite') {
    mkdirSync(folders, { recursive: true })
    const folder = mkdtempSync(join(folders, 'relay-'))
    const drop = async () => rmSync(folder, { recursive: true, force: true })
    return { url: `file:${join(folder, 'relay.db')}`, drop }
  }
  const name = `prompt_relay_bench_${randomBytes(6).toString('hex')}`
  await onPostgres(`create database ${name}`)
  const drop = async () => {
    await onPostgres(`drop database if exists ${name} with (force)`)
  }
  return { url: new URL(`/${name}`, server).href, drop }
}

/** What the Postgres server is and whether it syncs its commits; null: none answers. */
export async function describePostgres(): Promise<string | null> {
  const sql = `select current_setting('server_version') as version, current_setting('fsync') as fsync,
    current_setting('synchronous_commit') as commit`
  const [row] = await onPostgres(sql).catch(() => [])
  return row ? `${row.version}, fsync ${row.fsync}, synchronous_commit ${row.commit}` : null
}

/** What Redis answers to inline commands; null: none answers. */
export async function askRedis(command: string): Promise<string | null> {
  const socket = connect(6379, '127.0.0.1')
  socket.setTimeout(2000, () => socket.destroy(new Error('Redis does not answer')))
  try {
    await once(socket, 'connect')
    socket.write(`${command}\r\n`)
    const [answer] = await once(socket, 'data')
    return String(answer)
  } catch {
    return null
  } finally {
    socket.destroy()
  }
}

export async function describeRedis(): Promise<string | null> {
  const info = await askRedis('INFO server')
  const version = info === null ? null : /redis_version:(\S+)/.exec(info)?.[1]
  if (!version) return null
  const isDurable = (await askRedis('CONFIG GET appendonly'))?.includes('yes')
  return `${version}, ${isDurable ? 'append-only file' : 'no append-only file: a crash loses jobs'}`
}
