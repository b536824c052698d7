import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { VersionContent } from '#lib/core/prompt/fold.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'
import type { LoopDeps } from '#lib/pipeline/loop.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { createRest, type VersionRequest, withRest } from '#lib/pipeline/settle/lookups.ts'
import { fixture, secret, sign } from '../fixtures.ts'
import {
  fetchDouble,
  ok,
  passTime,
  simulatedLoop,
  simulateTime,
  slackTargets,
  sleep,
  start,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const settleMs = 2000
const routes: Routes = {
  targets: slackTargets('team'),
  rules: [{ name: 'all', to: ['team'] }],
  alertTargets: [],
}
const created = JSON.parse(fixture('01-prompt-created-text.json').toString())

describe.each(engines)("while Langfuse's API is slow or hangs, on %s", (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
    vi.spyOn(console, 'log').mockImplementation(() => {})
  })
  afterEach(async () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    await watched.db.destroy()
    await store.close()
  })

  const post = async (body: string, receive: (one: Arrival) => ReturnType<ReturnType<typeof receiver>>) => {
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    if (!env) throw new Error('The environment has problems')
    const answer = await answerWebhook(request, { env, now: Date.now, receive, reject: async () => {} })
    expect(answer.status).toBe(202)
  }
  /** A new version, whose predecessor's text was in no event. */
  const edit = (name: string) => {
    const at = new Date().toISOString()
    const prompt = { ...created.prompt, id: name, name, version: 7, createdAt: at, updatedAt: at }
    return JSON.stringify({ ...created, id: `edit-${name}`, timestamp: at, prompt })
  }
  const alert = () => {
    const body = JSON.parse(fixture('09-monitor-alert.json').toString())
    return JSON.stringify({ ...body, id: 'the-alert' })
  }

  /** Forty edits that each need a text, then an alert: the milliseconds until the alert arrived, and until all had settled. */
  async function run(parts: Pick<LoopDeps, 'readVersion'>) {
    const { fetch, calls } = fetchDouble(() => ok())
    const loop = simulatedLoop(watched, { fetch, routes, ...parts })
    const receive = receiver(watched.db, { settleMs, now: Date.now })
    const ended = (async () => {
      await loop.start()
      for (let i = 0; i < 40; i++) {
        await post(edit(`prompt-${i}`), receive)
        loop.wake()
      }
      await sleep(settleMs + 200)
      const since = Date.now() - start
      await post(alert(), receive)
      loop.wake()
      await sleep(180_000)
      await loop.stop()
      return since
    })()
    const since = await passTime(ended, [watched])
    expect(loop.errors).toEqual([])
    const alerts = await watched.db.selectFrom('changes').selectAll().where('kind', '=', 'alert').execute()
    const told = calls.filter(({ changes }) => changes.includes(alerts[0]?.id ?? ''))
    const edits = await watched.db
      .selectFrom('changes')
      .selectAll()
      .where('kind', '=', 'version-created')
      .orderBy('id')
      .execute()
    return {
      alertAfterMs: (told[0]?.at ?? Number.NaN) - since,
      settled: edits.map(({ settled_at }) => (settled_at ?? Number.NaN) - start),
      differences: edits.map(({ detail }) => JSON.parse(detail).difference),
    }
  }

  it('an alert is reported within 2 s although forty texts take 300 ms each, and all are compared', async () => {
    let atOnce = 0
    let maxAtOnce = 0
    const readVersion = async () => {
      maxAtOnce = Math.max(maxAtOnce, ++atOnce)
      await sleep(300)
      atOnce--
      return { text: 'You are a support agent.', config: {} }
    }
    const { alertAfterMs, settled, differences } = await run({ readVersion })
    expect(alertAfterMs).toBeLessThan(2000)
    expect(settled).toHaveLength(40)
    for (const difference of differences) expect(difference).toMatchObject({ fromVersion: 6, toVersion: 7 })
    expect(maxAtOnce).toBe(4)
  })

  it('an alert is reported within 2 s although no text ever arrives, and the edits settle after one timeout', async () => {
    let asked = 0
    const rest = createRest(Date.now)
    const readVersion = withRest<VersionRequest, VersionContent>(async () => {
      asked++
      await sleep(10_000)
      return undefined
    }, rest)
    const { alertAfterMs, settled, differences } = await run({ readVersion })
    expect(alertAfterMs).toBeLessThan(2000)
    expect(settled).toHaveLength(40)
    for (const at of settled) expect(at).toBeLessThan(15_000)
    expect(new Set(differences)).toEqual(
      new Set(['The text of v6 is not known, so nothing can be compared.']),
    )
    expect(asked).toBe(4)
  })
})
