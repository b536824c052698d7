import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { indexable } from '#lib/core/change/indexable.ts'
import { emptyFilter } from '#lib/core/list/filter.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { listFiltered } from '#lib/store/search/list.ts'
import { contentOf } from '#lib/store/tables/prompts.ts'
import { changesOfPrompt, projectsWith, shownVersions } from '#lib/store/views/prompt-page.ts'
import { fixture, secret, sign } from '../fixtures.ts'
import {
  fetchDouble,
  passTime,
  simulatedLoop,
  simulateTime,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const routes: Routes = {
  targets: {
    slack: { type: 'slack', url: 'https://hooks.slack.test/services/T0/B0/xxxxxxxxxxxx' },
    github: {
      type: 'github',
      repo: 'acme/prompts',
      token: 't',
      apiUrl: 'https://github.test',
      eventType: 'prompt',
    },
    pagerduty: { type: 'pagerduty', routingKey: 'a'.repeat(32), eventsUrl: 'https://pagerduty.test' },
    webhook: {
      type: 'webhook',
      url: 'https://webhook.test/x',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      allowPrivate: true,
    },
  },
  rules: [
    {
      name: 'all',
      on: ['prompt.created', 'prompt.updated', 'alert'],
      to: ['slack', 'github', 'pagerduty', 'webhook'],
    },
  ],
  alertTargets: [],
}
/** Random, because Postgres compresses repetition. Three bytes per character. */
const random = (length: number): string =>
  Array.from({ length }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 20_000))).join('')

const strings = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(strings)
}

describe.each(engines)('names of any length on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore
  beforeEach(async () => {
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })

  let count = 0
  async function post(body: object): Promise<void> {
    const text = JSON.stringify({ ...body, id: `event ${count++}` })
    const now = Date.now
    const request = new Request('http://localhost/', {
      method: 'POST',
      headers: { 'x-langfuse-signature': sign(text, { t: Math.floor(now() / 1000) }) },
      body: text,
    })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 0, now })
    const answer = await answerWebhook(request, { env, now, receive, reject: async () => {} })
    expect(answer.status).toBe(202)
  }
  const postPrompt = (more: object) => {
    const body = JSON.parse(fixture('01-prompt-created-text.json').toString())
    return post({ ...body, prompt: { ...body.prompt, id: `prompt ${count}`, ...more } })
  }
  /** Settles and sends everything; returns what each target got. */
  async function drain(): Promise<Map<string, string[]>> {
    const bodies: [string, string][] = []
    const { fetch } = fetchDouble(({ url }) => {
      if (url.includes('github')) return new Response(null, { status: 204 })
      return status(url.includes('pagerduty') ? 202 : 200, {}, 'ok')
    })
    const loop = simulatedLoop(watched, {
      routes,
      fetch: async (input, init) => {
        const body = input instanceof Request ? await input.clone().text() : String(init?.body)
        bodies.push([new URL(input instanceof Request ? input.url : String(input)).hostname, body])
        return fetch(input, init)
      },
    })
    await passTime(loop.drain(Date.now() + 60_000), [watched])
    await passTime(loop.stop(), [watched])
    expect(loop.errors).toEqual([])
    const groups = Map.groupBy(bodies, ([host]) => host)
    return new Map([...groups].map(([host, of]) => [host, of.map(([, body]) => body)]))
  }

  it.each([600, 601, 5000, 100_000])(
    'stores, settles, delivers and shows a name of %i characters',
    async (length) => {
      const name = random(length)
      const other = name.slice(0, -1) + (name.endsWith('一') ? '丁' : '一')
      const projectId = random(200)
      await postPrompt({ name, projectId, version: 1 })
      await postPrompt({ name: other, projectId, version: 2 })
      await postPrompt({ name, projectId, version: 2, labels: ['latest', random(2000)] })
      const sent = await drain()

      const rows = await store.db.selectFrom('deliveries').select(['status', 'target', 'reason']).execute()
      expect(rows.filter((row) => row.status !== 'delivered')).toEqual([])
      expect(rows.map(({ status: how }) => how)).toEqual(Array(8).fill('delivered'))
      expect([...sent.keys()].toSorted()).toEqual(
        ['github.test', 'hooks.slack.test', 'pagerduty.test', 'webhook.test'].toSorted(),
      )
      for (const body of sent.get('hooks.slack.test') ?? []) {
        expect(body.length).toBeLessThan(13_200)
        expect(Math.max(...strings(JSON.parse(body)).map((text) => text.length))).toBeLessThanOrEqual(3000)
      }
      for (const body of sent.get('github.test') ?? [])
        expect(Buffer.byteLength(body)).toBeLessThan(64 * 1024)
      for (const body of sent.get('pagerduty.test') ?? []) {
        expect(Buffer.byteLength(body)).toBeLessThan(512 * 1024)
        expect(JSON.parse(body).payload.summary.length).toBeLessThanOrEqual(1024)
      }
      for (const body of sent.get('webhook.test') ?? [])
        expect(JSON.parse(body).data.prompt.name.slice(0, 500)).toBe(name.slice(0, 500))

      // The two prompts are kept apart, by their whole name and by its short form in addresses.
      for (const asked of [name, indexable(name)]) {
        const key = { projectId, name: asked }
        expect(await projectsWith(store.db, asked)).toEqual([projectId])
        expect((await shownVersions(store.db, key)).map(({ version }) => version)).toEqual([2, 1])
        const { content, eventId } = await contentOf(store.db, key, 2)
        expect(content ?? eventId).not.toBeNull()
        expect((await changesOfPrompt(store.db, key, {}, 10)).rows).toHaveLength(1)
        const filter = { ...emptyFilter, prompt: asked }
        const found = await listFiltered(store.db, { filter, now: Date.now() }, {}, 10)
        expect(found.rows).toHaveLength(1)
        // What the pages show of it.
        expect(found.rows[0]?.change.subject.length).toBeLessThanOrEqual(600)
        expect(found.rows[0]?.change.title.length).toBeLessThan(2500)
        expect(found.rows[0]?.change.detail.name ?? found.rows[0]?.change.subject).toBe(name)
      }
      const q = { ...emptyFilter, q: name.slice(0, 12) }
      expect((await listFiltered(store.db, { filter: q, now: Date.now() }, {}, 10)).rows).toHaveLength(2)

      await prune(store.db, {
        retentionDays: 90,
        now: () => Date.now() + 91 * 86_400_000,
        stopping: () => false,
      })
      expect(await store.db.selectFrom('change_facets').selectAll().execute()).toEqual([])
    },
  )

  it('stores and settles an alert in which every name is long', async () => {
    const body = JSON.parse(fixture('09-monitor-alert.json').toString())
    const payload = {
      ...body.payload,
      projectId: random(200),
      monitorId: random(20_000),
      severity: random(20_000),
      message: { title: random(20_000), body: random(20_000) },
    }
    await post({ ...body, payload })
    await post({ ...body, payload: { ...payload, severity: 'OK' } })
    await drain()
    const open = await store.db.selectFrom('changes').select('id').where('status', '=', 'settling').execute()
    expect(open).toEqual([])
    expect(await store.db.selectFrom('settle_failures').selectAll().execute()).toEqual([])
  })

  it('stores and settles scores, traces and notifications in which every name is long', async () => {
    const now = new Date().toISOString()
    const ids = { projectId: random(200), traceId: random(5000), observationId: random(5000), updatedAt: now }
    const names = {
      name: random(5000),
      traceName: random(5000),
      environment: random(5000),
      model: random(5000),
    }
    await post({ event: 'trace.created', timestamp: now, data: { ...ids, ...names } })
    await post({
      event: 'score.created',
      timestamp: now,
      data: { ...ids, scoreId: random(5000), name: random(600), value: random(5000) },
    })
    const notification = JSON.parse(fixture('10-project-notification-evaluator-blocked.json').toString())
    const long = { eventType: random(5000), resourceName: random(5000), severity: random(5000) }
    await post({ ...notification, event: { ...notification.event, ...long } })
    await post({ type: random(5000), action: random(5000) })
    await drain()
    const open = await store.db.selectFrom('changes').select('id').where('status', '=', 'settling').execute()
    expect(open).toEqual([])
    expect(await store.db.selectFrom('settle_failures').selectAll().execute()).toEqual([])
  })
})
