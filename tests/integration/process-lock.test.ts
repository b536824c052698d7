import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { lockProcess } from '#lib/store/process-lock.ts'
import { endLeases } from '#lib/store/tables/deliveries.ts'
import { queueChanges } from './simulation.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prompt-relay-test-'))
  path = join(folder, 'relay.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Locks the file; returns whether it was alone. */
async function enter(): Promise<{ wasAlone: boolean; leave: () => void }> {
  let wasAlone = false
  const leave = await lockProcess(path, async () => {
    wasAlone = true
  })
  return { wasAlone, leave }
}

/** Another process that works on the file until it is killed. */
async function otherProcess(): Promise<{ wasAlone: boolean; kill: () => Promise<void> }> {
  const child = fork(new URL('./process-lock-child.ts', import.meta.url), [path])
  const [wasAlone] = (await once(child, 'message')) as [boolean]
  const kill = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { wasAlone, kill }
}

describe('a process that works on an SQLite file', () => {
  it('is not alone until the last of the others has left', async () => {
    const first = await enter()
    const second = await enter()
    first.leave()
    // Otherwise the work of the second would be taken from it.
    const third = await enter()
    second.leave()
    third.leave()
    const fourth = await enter()
    fourth.leave()
    expect([first, second, third, fourth].map(({ wasAlone }) => wasAlone)).toEqual([true, false, false, true])
  })

  it('is noticed by other processes, and leaves when it is killed', async () => {
    const first = await otherProcess()
    const second = await otherProcess()
    await first.kill()
    const third = await enter()
    third.leave()
    await second.kill()
    const fourth = await enter()
    fourth.leave()
    expect([first, second, third, fourth].map(({ wasAlone }) => wasAlone)).toEqual([true, false, false, true])
  })

  it('is not in the way of others after the work it does alone has failed', async () => {
    const failing = lockProcess(path, async () => {
      throw new Error('the store is gone')
    })
    await expect(failing).rejects.toThrow('the store is gone')
    const next = await enter()
    next.leave()
    expect(next.wasAlone).toBe(true)
  })

  it('lets others read and write the store', async () => {
    const { leave } = await enter()
    const db = await openDatabase(`file:${path}`)
    await queueChanges(db, 1, ['slack'])
    expect(await db.selectFrom('deliveries').select('status').execute()).toEqual([{ status: 'queued' }])
    await db.destroy()
    leave()
  })
})

describe('the leases of a process that was killed', () => {
  it('end at once, while deliveries that wait for their time go on waiting', async () => {
    const db = await openDatabase(`file:${path}`)
    const now = Date.now()
    const later = now + 60_000
    const [sending] = await queueChanges(db, 1, ['slack'], { status: 'sending', attempt: 3, next_at: later })
    await queueChanges(db, 1, ['slack'], { status: 'retrying', failures: 2, next_at: later })
    await queueChanges(db, 1, ['slack'], { status: 'delivered', next_at: null })
    await endLeases(db, now)
    const rows = await db.selectFrom('deliveries').selectAll().orderBy('id').execute()
    expect(rows.map(({ status, next_at }) => [status, next_at])).toEqual([
      ['retrying', now],
      ['retrying', later],
      ['delivered', null],
    ])
    expect(rows[0]).toMatchObject({ id: sending?.id, attempt: 3, failures: 0 })
    await db.destroy()
  })
})
