import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import type { Report } from './instance.ts'
import { queueChanges, slackUrl } from './simulation.ts'
import { emptyPostgres, engines } from './stores.ts'

const script = fileURLToPath(new URL('./instance.ts', import.meta.url))
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startInstance(url: string, addresses: string[]): Promise<{ stop: () => Promise<Report> }> {
  const child = fork(script, [url, ...addresses], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  await once(child, 'message')
  const stop = async () => {
    const told = once(child, 'message')
    child.send('stop')
    const [report] = await told
    return report as Report
  }
  return { stop }
}

async function untilNoneWaits(db: Db, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  const waiting = db.selectFrom('deliveries').select('id').where('next_at', 'is not', null).limit(1)
  while (Date.now() < deadline && (await waiting.executeTakeFirst())) await sleep(200)
}

/** Each in a separate process, as in production. */
const max = { SQLite: { instances: 2, changes: 250 }, Postgres: { instances: 4, changes: 5000 } }

describe.each(engines)('several instances on one store, %s', (engine, openStore) => {
  const { instances, changes } = max[engine as keyof typeof max]

  it(`deliver each of ${changes * 4} once`, async () => {
    const store = await openStore()
    const addresses = ['one', 'two', 'three', 'four'].map(slackUrl)
    const started = await Promise.all(
      Array.from({ length: instances }, () => startInstance(store.url, addresses)),
    )
    await queueChanges(
      store.db,
      changes,
      addresses.map((_, i) => `target-${i}`),
    )
    await untilNoneWaits(store.db, 120_000)
    const reports = await Promise.all(started.map((instance) => instance.stop()))
    const sent = reports.flatMap((report) => report.sent)
    expect(reports.flatMap(({ errors }) => errors)).toEqual([])
    expect([sent.length, new Set(sent).size]).toEqual([changes * 4, changes * 4])
    expect(reports.every((report) => report.sent.length > 0)).toBe(true)
    const { delivered } = await store.db
      .selectFrom('deliveries')
      .select((eb) => eb.fn.countAll<number>().as('delivered'))
      .where('status', '=', 'delivered')
      .executeTakeFirstOrThrow()
    expect(Number(delivered)).toBe(changes * 4)
    await store.close()
  }, 180_000)
})

describe.skipIf(process.env.TEST_POSTGRES_URL === undefined)('four instances', () => {
  it('all come up when they start at once on an empty Postgres database', async () => {
    for (let round = 0; round < 3; round++) {
      const { url, drop } = await emptyPostgres()
      const opened = await Promise.allSettled(Array.from({ length: 4 }, () => openDatabase(url)))
      expect(opened.map((one) => (one.status === 'rejected' ? String(one.reason) : 'up'))).toEqual(
        Array(4).fill('up'),
      )
      for (const one of opened) if (one.status === 'fulfilled') await one.value.destroy()
      await drop()
    }
  })
})

describe('several processes', () => {
  it('all come up when they start at once on an empty SQLite file', async () => {
    const [[, openStore] = []] = engines
    const store = await openStore?.()
    if (!store) throw new Error('SQLite is always there')
    const fresh = store.url.replace('relay.db', 'fresh.db')
    const started = await Promise.all(Array.from({ length: 3 }, () => startInstance(fresh, [])))
    const reports = await Promise.all(started.map((instance) => instance.stop()))
    expect(reports.flatMap(({ errors }) => errors)).toEqual([])
    await store.close()
  })
})
