import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, startNext } from '../../scripts/next.ts'
import { secret } from '../fixtures.ts'
import { signedBodies } from './bodies.ts'
import { buildApp, endpointPath, type NextApp, root } from './build.ts'
import { askRedis, createStore, type Engine } from './stores.ts'

export type SubjectName = 'node' | Exclude<NextApp, 'relay'> | Engine

export const subjectTitles: Record<SubjectName, string> = {
  node: 'bare node:http, body and HMAC',
  empty: 'empty Next handler',
  verify: 'Next handler, body and HMAC',
  queue: 'tutorial: HMAC, BullMQ.add, 200',
  direct: 'tutorial: HMAC, Slack, GitHub, 200',
  sqlite: 'Prompt Relay, SQLite',
  postgres: 'Prompt Relay, Postgres',
}

/** A server under measure, in a process of its own with data of its own. */
export interface Running {
  origin: string
  /** Where webhooks go. */
  endpoint: string
  /** From the start of the process to the first answered webhook, in milliseconds. */
  startedMs: number
  /** The most memory that it ever used, in bytes; null if the system does not report it. */
  peakBytes: () => number | null
  /** Processor time that it has used so far, in milliseconds; null if the system does not report it. */
  cpuMs: () => number | null
  /** Of its store; empty where it has none. */
  databaseUrl: string
  /** Ends it and removes its data. */
  stop: () => Promise<void>
}

export const password = 'only for the bench'

function launch(name: SubjectName, folder: string, port: number, env: Record<string, string>, out: number) {
  const stdio: ['ignore', number, number] = ['ignore', out, out]
  if (name === 'node') {
    const file = fileURLToPath(new URL('./baseline/node-http.ts', import.meta.url))
    const child = spawn(process.execPath, [file], {
      stdio,
      env: { ...process.env, ...env, PORT: String(port) },
    })
    return { child, exited: once(child, 'exit') }
  }
  const args = ['start', '--port', String(port), '--hostname', '127.0.0.1']
  return startNext(args, { cwd: folder, stdio, env: { NODE_ENV: 'production', ...env } })
}

/** Posts until it is answered with 2xx. */
async function untilAnswered(endpoint: string, child: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + 60_000
  const [first] = signedBodies(
    { tag: 'start', count: 1, events: [{ action: 'created', version: 1, labels: ['latest'] }] },
    Date.now(),
  )
  const headers = { 'content-type': 'application/json', 'x-langfuse-signature': first?.signature ?? '' }
  while (Date.now() < deadline && child.exitCode === null) {
    const answer = await fetch(endpoint, { method: 'POST', headers, body: first?.body.toString() }).catch(
      () => null,
    )
    await answer?.text()
    if (answer?.ok) return
    await sleep(5)
  }
  throw new Error(`${endpoint} was not answered:\n${readFileSync(log, 'utf8').slice(-2000)}`)
}

function peakBytes(pid: number | undefined): number | null {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  } catch {
    return null
  }
}

/** Linux counts in hundredths of a second. Behind the name, which may hold blanks, user time is the 12th field. */
function cpuMs(pid: number | undefined): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * 10
  } catch {
    return null
  }
}

/** Processes and data that are to go when the bench ends, however it ends. */
export const leftOvers = new Set<() => Promise<void>>()

/** Starts a subject; `url`: over data that are there already, which stay. */
export async function start(
  name: SubjectName,
  more: { env?: Record<string, string>; url?: string } = {},
): Promise<Running> {
  const isOurs = name === 'sqlite' || name === 'postgres'
  const folder = name === 'node' ? root : await buildApp(isOurs ? 'relay' : name)
  const store = isOurs && more.url === undefined ? await createStore(name) : null
  const logs = join(root, 'tests/.output/bench/logs')
  mkdirSync(logs, { recursive: true })
  const logFolder = mkdtempSync(join(logs, `${name}-`))
  const log = join(logFolder, 'out.log')
  const out = openSync(log, 'a')
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const prefix = `prompt-relay-bench-${process.pid}`
  const data = { DATABASE_URL: more.url ?? store?.url ?? '', BENCH_REDIS_PREFIX: prefix }
  const env = { LANGFUSE_WEBHOOK_SECRET: secret, DASHBOARD_PASSWORD: password, PUBLIC_URL: origin, ...data }
  const begin = performance.now()
  const { child, exited } = launch(name, folder, port, { ...env, ...more.env }, out)
  closeSync(out)
  const stop = async () => {
    leftOvers.delete(stop)
    child.kill('SIGTERM')
    const killing = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await exited
    clearTimeout(killing)
    await store?.drop()
    if (name === 'queue') await forgetJobs(prefix)
    rmSync(logFolder, { recursive: true, force: true })
  }
  leftOvers.add(stop)
  await untilAnswered(`${origin}${endpointPath}`, child, log)
  const startedMs = performance.now() - begin
  const { DATABASE_URL: databaseUrl } = data
  const used = { peakBytes: () => peakBytes(child.pid), cpuMs: () => cpuMs(child.pid) }
  return { origin, endpoint: `${origin}${endpointPath}`, startedMs, ...used, databaseUrl, stop }
}

/** Removes what the tutorial left in Redis, its own keys only. */
async function forgetJobs(prefix: string): Promise<void> {
  const script = `local n = 0 for _, k in ipairs(redis.call('keys', '${prefix}:*')) do n = n + redis.call('del', k) end return n`
  await askRedis(`EVAL "${script}" 0`)
}
