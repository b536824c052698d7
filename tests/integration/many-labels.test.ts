import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const target = { type: 'slack', url: 'https://slack.example/x' } as const
const routes: Routes = {
  targets: { all: target, named: target },
  rules: [
    { name: 'all', to: ['all'] },
    { name: 'by the last label', label: 'zz-last', to: ['named'] },
  ],
  alertTargets: [],
}
const created = JSON.parse(fixture('01-prompt-created-text.json').toString())

interface Edit {
  action?: 'created' | 'updated' | 'deleted'
  version: number
  labels: string[]
  tags?: string[]
}

describe.each(engines)('versions with very many labels or tags, on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    time = t * 1000
    store = await openStore()
  })
  afterEach(() => store.close())

  const now = () => time
  const say = async ({ action = 'updated', version, labels, tags = [] }: Edit) => {
    time += 10
    const at = new Date(time).toISOString()
    const createdAt = new Date(t * 1000 + version).toISOString()
    const id = `${action}-${version}-${time}`
    const prompt = { ...created.prompt, id: `v${version}`, version, labels, tags, createdAt, updatedAt: at }
    const body = JSON.stringify({ ...created, id, timestamp: at, action, prompt })
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 2000, now })
    expect((await answerWebhook(request, { env, now, receive, reject: async () => {} })).status).toBe(202)
  }
  const settle = async () => {
    time += 11_000
    while ((await settleDue({ db: store.db, routes, now })).claimed > 0);
  }
  const changes = async () => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  const many = (count: number, of = 'label') => [
    ...Array.from({ length: count - 1 }, (_, i) => `${of}-${i}`),
    'zz-last',
  ]

  it.each([9000, 70_000, 200_000])(
    'settles a version with %i labels, and the events after it',
    async (count) => {
      await say({ action: 'created', version: 1, labels: ['latest', ...many(count)] })
      await settle()
      await say({ action: 'created', version: 2, labels: ['latest', ...many(count)] })
      await say({ version: 1, labels: [] })
      await settle()
      await say({ version: 2, labels: ['latest', 'production'] })
      await settle()
      const [first, second, third] = await changes()
      // Very many are reported in the order of their versions, not of their names.
      const shown = count > 10_000 ? 'label-0, label-1, label-2' : 'label-0, label-1, label-10, label-100'
      expect(first?.title).toContain(`put ${shown}`)
      expect(first?.title).toContain(` and ${(count - 10).toLocaleString('en')} more on it`)
      expect(first?.detail.facts).toHaveLength(200)
      expect(first?.detail.omitted).toEqual({ facts: count + 1 - 200, labels: count + 1 - 200 })
      expect(second?.title).toContain(`promoted it to label-0`)
      expect(second?.detail.facts[1]).toEqual({ kind: 'promoted', label: 'label-0', from: 1, to: 2 })
      expect(third?.title).toContain(`put production on`)
      expect(third?.title).toContain(` and ${(count - 10).toLocaleString('en')} more from`)
      expect((await changes()).map(({ status }) => status)).toEqual(['settled', 'settled', 'settled'])
      for (const { detail } of await changes()) expect(JSON.stringify(detail).length).toBeLessThan(100_000)
      const facets = await store.db.selectFrom('change_facets').select('facet').execute()
      expect(facets.length).toBeLessThanOrEqual(3 * 500)
    },
  )

  it('matches a rule by a label too far down the list to be shown, and keeps that label', async () => {
    await say({ action: 'created', version: 1, labels: ['latest', ...many(9000)] })
    await settle()
    const deliveries = await store.db.selectFrom('deliveries').selectAll().orderBy('target').execute()
    expect(deliveries.map(({ target: name, status }) => [name, status])).toEqual([
      ['all', 'queued'],
      ['named', 'queued'],
    ])
    expect(JSON.parse(deliveries[1]?.fact ?? '')).toMatchObject({ labels: ['zz-last'] })
    const [fact] = (await changes())[0]?.detail.facts ?? []
    expect(fact).toMatchObject({ kind: 'version-created', omitted: 9001 - 200 })
    expect(fact && 'labels' in fact && fact.labels).toContain('zz-last')
    expect(JSON.parse(deliveries[0]?.fact ?? '')).toMatchObject({ omitted: 9001 - 200 })
  })

  it('settles a prompt with 70,000 tags', async () => {
    await say({ action: 'created', version: 1, labels: ['latest'], tags: [] })
    await settle()
    await say({ version: 1, labels: ['latest'], tags: many(70_000, 'tag') })
    await settle()
    const [, tagged] = await changes()
    expect(tagged?.detail.facts).toEqual([
      { kind: 'tags-changed', added: expect.any(Array), removed: [], omitted: 70_000 - 200 },
    ])
    expect(tagged?.title).toMatch(/ with tag-0, .* and 69,990 more$/)
  })

  it('settles 3,000 versions of one change', async () => {
    const versions = Array.from({ length: 3000 }, (_, i) => i + 1)
    await Promise.all(versions.map((version) => say({ action: 'created', version, labels: [] })))
    await settle()
    const [change, ...others] = await changes()
    expect(others).toEqual([])
    expect(change?.detail.facts).toHaveLength(200)
    expect(change?.detail.omitted?.facts).toBe(2800)
    const { count } = await store.db
      .selectFrom('prompt_versions')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(Number(count)).toBe(3000)
  })

  it('settles a label that is too long for an index, and an alert of a megabyte of words', async () => {
    await say({ action: 'created', version: 1, labels: ['latest', 'ü'.repeat(40_000)] })
    const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
    const words = Array.from({ length: 150_000 }, (_, i) => `word${i}`).join(' ')
    alert.payload.message.body = words
    const body = JSON.stringify(alert)
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 2000, now })
    await answerWebhook(request, { env, now, receive, reject: async () => {} })
    await settle()
    expect((await changes()).map(({ kind, status }) => [kind, status])).toEqual([
      ['version-created', 'settled'],
      ['alert', 'settled'],
    ])
  })
})
