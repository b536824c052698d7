import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { createLoop, type Loop } from '#lib/pipeline/loop.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { fixture, secret, sign } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const created = JSON.parse(fixture('01-prompt-created-text.json').toString())
const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
const stray = new TextEncoder().encode(
  '{"event":"score.created","timestamp":"2026-08-20T12:00:00.000Z","data":{"scoreId":"s","projectId":"p","name":"x","value":1,"dataType":"NUMERIC"}}',
)

/** In real time, on one thread, like a server. The bounds are what Langfuse and people tolerate, not what is usual. */
describe.each(engines)('a webhook is answered within 1 s and settled, on %s,', (_, openStore) => {
  let store: TestStore
  let loop: Loop
  beforeEach(async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {})
    vi.spyOn(console, 'error').mockImplementation(() => {})
    store = await openStore()
    loop = createLoop({
      db: store.db,
      routes: {
        targets: { team: { type: 'slack', url: 'http://127.0.0.1:9/' } },
        rules: [{ name: 'all', to: ['team'] }],
        alertTargets: ['team'],
      },
      now: Date.now,
      random: Math.random,
      sleep,
      fetch: async () => new Response('ok'),
      retentionDays: 90,
      urls: { langfuse: 'https://langfuse.test', public: 'https://relay.test' },
      onError: () => {},
    })
  })
  afterEach(async () => {
    await loop.stop()
    vi.restoreAllMocks()
    await store.close()
  })

  const post = async (body: string): Promise<number> => {
    const begin = performance.now()
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 100, now: Date.now })
    const answer = await answerWebhook(request, { env, now: Date.now, receive, reject: async () => {} })
    expect(answer.status).toBe(202)
    loop.wake()
    return performance.now() - begin
  }
  const version = (number: number, labels: string[]) => {
    const at = new Date().toISOString()
    const prompt = {
      ...created.prompt,
      id: `v${number}`,
      version: number,
      labels,
      createdAt: at,
      updatedAt: at,
    }
    return JSON.stringify({ ...created, id: `v${number}-${at}`, timestamp: at, prompt })
  }
  const statusOf = async (subject: string) =>
    (await store.db.selectFrom('changes').select('status').where('subject', '=', subject).execute()).map(
      ({ status }) => status,
    )
  const until = async (isTrue: () => Promise<boolean>) => {
    for (let i = 0; i < 400 && !(await isTrue()); i++) await sleep(25)
    expect(await isTrue()).toBe(true)
  }
  const isSettled = (subject: string) => async () => {
    const all = await statusOf(subject)
    return all.length > 0 && all.every((status) => status === 'settled')
  }
  /** An alert every 50 ms until then: each is answered within 1 s, and all settle soon after. */
  const alertsUntil = async (isOver: () => Promise<boolean>, withinMs = 1000) => {
    const answers: number[] = []
    do {
      answers.push(await post(JSON.stringify({ ...alert, id: `alert-${answers.length}` })))
      await sleep(50)
    } while (!(await isOver()) && answers.length < 400)
    expect(Math.max(...answers)).toBeLessThan(withinMs)
    await until(isSettled('p95 latency checkout agent'))
    await until(isOver)
  }

  it.each([9000, 70_000, 200_000])('while a version with %i labels settles', async (count) => {
    await loop.start()
    const labels = Array.from({ length: count }, (_, i) => `label-${i}`)
    await post(version(1, labels))
    // With 200,000, it takes half a second on an idle machine, and more on a shared one.
    await alertsUntil(isSettled(created.prompt.name), count > 100_000 ? 5000 : 1000)
    await post(version(2, ['latest']))
    await until(isSettled(created.prompt.name))
  })

  it('while 60 changes fail to settle', async () => {
    for (let i = 0; i < 60; i++)
      await post(
        JSON.stringify({ ...alert, id: `spoiled-${i}`, payload: { ...alert.payload, monitorId: `m-${i}` } }),
      )
    await store.db.updateTable('events').set({ body: stray }).execute()
    await store.db.updateTable('changes').set({ subject: 'spoiled' }).execute()
    await loop.start()
    await alertsUntil(async () => {
      const failed = await store.db.selectFrom('settle_failures').select('change_id').execute()
      return failed.length === 60
    })
    expect(new Set(await statusOf('spoiled'))).toEqual(new Set(['settling']))
  })
})
