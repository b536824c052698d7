import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type App, startApp } from '../app.ts'
import { emptyPostgres } from '../integration/stores.ts'
import { startGithubStandIn } from '../mocks/github.ts'
import { startPostgresProxy } from '../mocks/postgres-proxy.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { eventFor, messagesAt, post, startLoad, until } from './traffic.ts'

const cronSecret = 'only for this test'

describe.skipIf(process.env.TEST_POSTGRES_URL === undefined)('an app whose Postgres is gone', () => {
  let store: { url: string; drop: () => Promise<void> }
  let proxy: Awaited<ReturnType<typeof startPostgresProxy>>
  let slack: StandIn
  let github: StandIn
  let app: App

  beforeEach(async () => {
    store = await emptyPostgres()
    proxy = await startPostgresProxy(new URL(store.url))
    slack = await startSlackStandIn()
    github = await startGithubStandIn()
    app = await startApp({
      DATABASE_URL: proxy.url,
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '0',
      GITHUB_REPO: 'acme/prompts',
      GITHUB_TOKEN: 'stand-in-token',
      GITHUB_API_URL: github.url,
      SETTLE_MS: '100',
      CRON_SECRET: cronSecret,
    })
  })
  afterEach(async () => {
    await app.kill()
    await Promise.all([slack.close(), github.close()])
    await proxy.close()
    await store.drop()
  })

  const health = async () => (await fetch(`${app.url}/api/health`)).status
  const cron = async () => {
    const headers = { authorization: `Bearer ${cronSecret}` }
    return (await fetch(`${app.url}/api/cron`, { headers })).status
  }
  const missing = (accepted: Set<string>) => {
    const at = [messagesAt(slack), messagesAt(github)]
    return [...accepted].filter((name) => at.some((messages) => !messages.has(name)))
  }

  it('answers 503 meanwhile, loses nothing that it accepted, and recovers by itself', async () => {
    const load = startLoad(() => app.url, 4)
    await sleep(1500)
    proxy.cut()
    // Events accepted before the cut are still being delivered.
    await sleep(300)
    const before = load.accepted.size
    expect(before).toBeGreaterThan(10)
    const refused = await post(app.url, eventFor('load/prompt-999999'))
    expect([refused?.status, JSON.parse(refused?.answer ?? '{}').error]).toEqual([503, 'store-unavailable'])
    expect(await health()).toBe(503)
    expect(await cron()).toBe(503)
    await sleep(4000)
    expect(load.accepted.size).toBe(before)
    expect(load.statuses.get(503)).toBeGreaterThan(10)
    proxy.mend()
    expect(await until(() => load.accepted.size > before + 10, 30_000)).toBe(true)
    await load.stop()
    expect(await health()).toBe(200)
    expect([...load.statuses.keys()].toSorted()).toEqual([202, 503])
    await until(() => missing(load.accepted).length === 0, 120_000)
    expect(missing(load.accepted)).toEqual([])
    expect(messagesAt(slack).has('load/prompt-999999')).toBe(false)
  }, 240_000)

  it('recovers even if Postgres falls silent without closing a connection', async () => {
    expect((await post(app.url, eventFor('load/prompt-1')))?.status).toBe(202)
    await until(() => messagesAt(github).size === 1, 20_000)
    proxy.fallSilent()
    const refused = await post(app.url, eventFor('load/prompt-2'))
    expect(refused?.status).toBe(503)
    proxy.mend()
    const again = async () => (await post(app.url, eventFor('load/prompt-3')))?.status === 202
    expect(await until(again, 60_000)).toBe(true)
    expect(await until(() => messagesAt(slack).has('load/prompt-3'), 90_000)).toBe(true)
    // It was not acknowledged, so its sender has to send it again.
    expect((await post(app.url, eventFor('load/prompt-2')))?.status).toBe(202)
  }, 240_000)

  it('answers each of ten senders within 8 s while it is silent, never with 202, and recovers', async () => {
    expect((await post(app.url, eventFor('load/prompt-1')))?.status).toBe(202)
    proxy.fallSilent()
    const sendTen = (round: number) =>
      Promise.all(
        Array.from({ length: 10 }, async (_, i) => {
          const startedAt = performance.now()
          const answer = await post(app.url, eventFor(`load/prompt-${10 + round * 10 + i}`))
          return { status: answer?.status, ms: performance.now() - startedAt }
        }),
      )
    // The second ten arrive while the first wait.
    const first = sendTen(0)
    await sleep(3000)
    const answers = [...(await first), ...(await sendTen(1))]
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(503))
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(8000)
    proxy.mend()
    const again = async () => (await post(app.url, eventFor('load/prompt-10')))?.status !== 503
    expect(await until(again, 60_000)).toBe(true)
    expect(await until(() => messagesAt(slack).has('load/prompt-10'), 90_000)).toBe(true)
  }, 240_000)
})
