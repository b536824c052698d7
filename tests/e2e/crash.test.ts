import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { emptyPostgres } from '../integration/stores.ts'
import { startGithubStandIn } from '../mocks/github.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { messagesAt, startLoad, until } from './traffic.ts'

const kills = 10
const workers = 8
/** How many sends to one target may be in progress. */
const maxInFlight = 50

interface Place {
  url: string
  remove: () => Promise<void> | void
}

async function postgresPlace(): Promise<Place> {
  const { url, drop } = await emptyPostgres()
  return { url, remove: drop }
}

const places: [string, () => Promise<Place>][] =
  process.env.TEST_POSTGRES_URL === undefined
    ? [['SQLite', async () => dataFolder()]]
    : [['Postgres', postgresPlace]]

describe.each(places)('an app on %s that is killed under load', (_, makePlace) => {
  let place: Place
  let slack: StandIn
  let github: StandIn
  let app: App | null = null

  beforeEach(async () => {
    place = await makePlace()
    slack = await startSlackStandIn()
    github = await startGithubStandIn()
  })
  afterEach(async () => {
    await app?.kill()
    await Promise.all([slack.close(), github.close()])
    await place.remove()
  })

  const start = () =>
    startApp({
      DATABASE_URL: place.url,
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '0',
      GITHUB_REPO: 'acme/prompts',
      GITHUB_TOKEN: 'stand-in-token',
      GITHUB_API_URL: github.url,
      SETTLE_MS: '100',
    })

  it(`and restarted, ${kills} times, delivers all that it accepted, and repeats at most the sends in progress`, async () => {
    app = await start()
    let url = app.url
    const load = startLoad(() => url, workers)
    for (let i = 0; i < kills; i++) {
      await sleep(200 + Math.random() * 800)
      await app.kill()
      const before = Date.now()
      app = await start()
      url = app.url
      expect(Date.now() - before).toBeLessThan(20_000)
    }
    await sleep(500)
    await load.stop()
    expect(load.accepted.size).toBeGreaterThan(kills * workers)

    const missing = () => {
      const at = [messagesAt(slack), messagesAt(github)]
      return [...load.accepted].filter((name) => at.some((messages) => !messages.has(name)))
    }
    // Sends in progress at the kill are repeated, even those that arrived: on Postgres when their lease of 60 s ends, on
    // SQLite at the start, because no other process can be sending.
    const db = await openDatabase(place.url)
    const isDone = async () => {
      const change = db.selectFrom('changes').select('id').where('status', '=', 'settling')
      const delivery = db.selectFrom('deliveries').select('id').where('status', '!=', 'delivered')
      const left = [await change.executeTakeFirst(), await delivery.executeTakeFirst()]
      return left.every((one) => one === undefined)
    }
    const isAllDelivered = await until(isDone, place.url.startsWith('file:') ? 45_000 : 120_000)
    await db.destroy()
    expect([missing(), isAllDelivered]).toEqual([[], true])
    for (const target of [slack, github]) {
      const repeats = [...messagesAt(target).values()].reduce((sum, times) => sum + times - 1, 0)
      expect(repeats).toBeLessThanOrEqual(kills * maxInFlight)
    }
    expect(await app.stop()).toBe(0)
    expect(app.output()).not.toContain('"level":"error"')
  }, 300_000)
})
