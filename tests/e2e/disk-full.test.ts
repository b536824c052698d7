import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, startApp } from '../app.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { eventFor, post, startLoad, toldAt, until } from './traffic.ts'

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

/** A folder of 4 MB, or why there is none. */
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
  let disk: ReturnType<typeof smallDisk> = { why: 'not asked for yet' }
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

  it('answers 503, loses nothing that it accepted, and goes on when there is space', async (context) => {
    if ('why' in disk) {
      console.log(`Skipped: ${disk.why}`)
      return context.skip(disk.why)
    }
    const running = await startApp({
      DATABASE_URL: `file:${join(disk.folder, 'relay.db')}`,
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '0',
      SETTLE_MS: '100',
    })
    app = running
    const load = startLoad(() => running.url, 2, { size: 50_000 })
    expect(await until(() => (load.statuses.get(503) ?? 0) > 20, 60_000)).toBe(true)
    const refused = await post(running.url, eventFor('load/prompt-999999', { size: 50_000 }))
    expect(refused?.status).toBe(503)
    const before = load.accepted.size
    expect(before).toBeGreaterThan(5)
    await sleep(2000)
    run('mount', '-o', 'remount,size=64m', disk.folder)
    expect(await until(() => load.accepted.size > before + 20, 60_000)).toBe(true)
    await load.stop()
    expect([...load.statuses.keys()].toSorted()).toEqual([202, 503])
    const missing = () => [...load.accepted].filter((name) => !toldAt(slack).has(name))
    await until(() => missing().length === 0, 120_000)
    expect(missing()).toEqual([])
    expect(toldAt(slack).has('load/prompt-999999')).toBe(false)
    expect(await running.stop()).toBe(0)
  }, 240_000)
})
