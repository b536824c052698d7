import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, startApp } from '../app.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { eventFor, messagesAt, post, startLoad, until } from './traffic.ts'

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

const token = 'a token for the metrics'

async function healthOf({ url }: App) {
  const response = await fetch(`${url}/api/health`)
  return { status: response.status, answer: await response.json() }
}

async function metricsOf({ url }: App): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${url}/api/metrics`, { headers })).text()
}

/** `npm run doctor` for the store at this path. */
function doctor(path: string): Promise<{ code: number; output: string }> {
  const env = {
    NODE_ENV: 'production' as const,
    DATABASE_URL: `file:${path}`,
    LANGFUSE_BASE_URL: 'http://127.0.0.1:1',
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/doctor.ts'], { env }, (error, stdout) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout }),
    )
  })
}

/** A file system of 4 MB, or why there is none. */
function smallDisk(): { folder: string } | { why: string } {
  if (process.getuid?.() !== 0) return { why: 'only root may mount' }
  const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-small-'))
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder)
    return { folder }
  } catch (error) {
    rmSync(folder, { recursive: true })
    return { why: `no tmpfs can be mounted: ${error instanceof Error ? error.message : error}` }
  }
}

describe('an app whose disk is full', () => {
  let disk: ReturnType<typeof smallDisk> = { why: 'not created yet' }
  let slack: StandIn
  let app: App | null = null

  beforeEach(async () => {
    disk = smallDisk()
    slack = await startSlackStandIn()
  })
  afterEach(async () => {
    await app?.kill()
    await slack.close()
    if (!('folder' in disk)) return
    run('umount', disk.folder)
    rmSync(disk.folder, { recursive: true })
  })

  it('answers 503, loses nothing that it accepted, and recovers when there is space', async (context) => {
    if ('why' in disk) {
      console.log(`Skipped: ${disk.why}`)
      return context.skip(disk.why)
    }
    const running = await startApp({
      DATABASE_URL: `file:${join(disk.folder, 'relay.db')}`,
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '0',
      SETTLE_MS: '100',
      METRICS_TOKEN: token,
    })
    app = running
    const load = startLoad(() => running.url, 2, { size: 50_000 })
    expect(await until(() => (load.statuses.get(503) ?? 0) > 20, 60_000)).toBe(true)
    const refused = await post(running.url, eventFor('load/prompt-999999', { size: 50_000 }))
    expect(refused?.status).toBe(503)
    const before = load.accepted.size
    expect(before).toBeGreaterThan(5)
    expect(await healthOf(running)).toMatchObject({
      status: 503,
      answer: { status: 'store-not-writable', reason: 'disk-full' },
    })
    expect((await fetch(`${running.url}/api/health/live`)).status).toBe(200)
    const numbers = await metricsOf(running)
    expect(numbers).toContain('prompt_relay_store_writable 0')
    expect(numbers).toContain('prompt_relay_store_up 1')
    expect(numbers).toMatch(
      /prompt_relay_events_not_stored_total\{endpoint="langfuse-webhook",reason="disk-full"\} \d\d/,
    )
    expect(running.output()).toContain('database or disk is full')
    expect(running.output()).not.toContain('no transaction is active')
    const { code, output } = await doctor(join(disk.folder, 'relay.db'))
    expect(code).toBe(1)
    expect(output).toContain(`Free space on the disk that holds ${join(disk.folder, 'relay.db')}`)
    await sleep(4000)
    // The log may be on the same disk, so an error that repeats every second is not logged every second.
    const failures = running.output().match(/"message":"loop"/g) ?? []
    expect(failures.length).toBeLessThan(4)
    run('mount', '-o', 'remount,size=64m', disk.folder)
    expect(await until(() => load.accepted.size > before + 20, 60_000)).toBe(true)
    await load.stop()
    expect(await until(async () => (await healthOf(running)).status === 200, 60_000)).toBe(true)
    expect(await metricsOf(running)).toContain('prompt_relay_store_writable 1')
    expect([...load.statuses.keys()].toSorted()).toEqual([202, 503])
    const missing = () => [...load.accepted].filter((name) => !messagesAt(slack).has(name))
    await until(() => missing().length === 0, 120_000)
    expect(missing()).toEqual([])
    expect(messagesAt(slack).has('load/prompt-999999')).toBe(false)
    expect(await running.stop()).toBe(0)
  }, 240_000)
})
