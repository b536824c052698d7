import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { createSettler, settleDue } from '#lib/pipeline/settle/settle.ts'
import { copyTexts, versionText } from '#lib/pipeline/settle/version-text.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { contentOf } from '#lib/store/tables/prompts.ts'
import type { LargeChangeReport } from '../bench/large-change.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const run = promisify(execFile)
const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const routes = { targets: {}, rules: [], alertTargets: [] }
const created = JSON.parse(fixture('01-prompt-created-text.json').toString())
const { projectId, name } = created.prompt
const key = { projectId, name }
const never = () => false

describe.each(engines)('a change whose events are too large to read at once, on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    vi.spyOn(console, 'log').mockImplementation(() => {})
    time = t * 1000
    store = await openStore()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await store.close()
  })

  const now = () => time
  const say = async (version: number, text: unknown, more: object = {}) => {
    time += 10
    const at = new Date(time).toISOString()
    const id = `v${version}-${time}`
    const prompt = { ...created.prompt, id: `id-${version}`, version, labels: [], prompt: text, ...more }
    const body = JSON.stringify({
      ...created,
      id,
      timestamp: at,
      prompt: { ...prompt, createdAt: at, updatedAt: at },
    })
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 2000, now })
    expect((await answerWebhook(request, { env, now, receive, reject: async () => {} })).status).toBe(202)
  }
  const changes = async () => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  const large = (word: string) => `${word} ${'x'.repeat(1_200_000)}`
  /** Settles, without copying the texts. */
  const settle = async () => {
    time += 11_000
    const world = { stopping: never, onReady: () => {}, onLarge: () => {}, onError: () => {} }
    const settler = createSettler({ db: store.db, routes, now }, world)
    while ((await settler.settleDue()).claimed > 0) await settler.idle()
  }

  it('is one change with its difference and search words, and its texts are available before and after they are copied', async () => {
    await say(1, large('alpha'))
    await say(2, [{ role: 'system', content: large('beta') }], { config: { temperature: 1 } })
    await say(3, large('gamma\nnew line'))
    await settle()
    const [change, ...others] = await changes()
    expect(others).toEqual([])
    expect(change).toMatchObject({ kind: 'version-created', version: 3, status: 'settled', eventCount: 3 })
    expect(change?.detail.difference).toMatchObject({ fromVersion: 2, toVersion: 3 })
    const texts = () => Promise.all([1, 2, 3].map((version) => versionText(store.db, key, version)))
    const before = await texts()
    expect(before[0]).toEqual({ text: large('alpha'), config: created.prompt.config })
    expect(before[1]).toEqual({
      text: [{ role: 'system', content: large('beta') }],
      config: { temperature: 1 },
    })
    for (const version of [1, 2, 3])
      expect(await contentOf(store.db, key, version)).toMatchObject({
        content: null,
        eventId: expect.stringMatching(/^evt_/),
      })
    await copyTexts(store.db, never)
    expect(await texts()).toEqual(before)
    for (const version of [1, 2, 3]) expect((await contentOf(store.db, key, version)).eventId).toBeNull()
    await store.db.deleteFrom('events').execute()
    expect(await texts()).toEqual(before)
  })

  it('keeps the known text if the event with a newer one is gone', async () => {
    await say(1, 'small')
    await settle()
    await say(1, large('huge'))
    await say(1, large('huger'))
    await settle()
    expect((await versionText(store.db, key, 1))?.text).toBe(large('huger'))
    await store.db.deleteFrom('events').execute()
    expect((await versionText(store.db, key, 1))?.text).toBe('small')
    await copyTexts(store.db, never)
    expect(await contentOf(store.db, key, 1)).toMatchObject({ content: { text: 'small' }, eventId: null })
  })

  it('includes events that arrive while it is read', async () => {
    await say(1, large('one'))
    await say(2, large('two'))
    let reads = 0
    const onReady = () => {
      reads++
    }
    const world = { stopping: never, onReady, onLarge: () => {}, onError: () => {} }
    const settler = createSettler({ db: store.db, routes, now }, world)
    await settler.settleDue()
    await say(3, 'three')
    await settler.idle()
    time += 11_000
    while ((await settler.settleDue()).claimed > 0) await settler.idle()
    expect(reads).toBeGreaterThan(0)
    expect(await changes()).toMatchObject([{ status: 'settled', eventCount: 3, version: 3 }])
  })

  it('with an unreadable event is set aside, and does not delay others', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await say(1, large('one'))
    await say(2, large('two'))
    const stray = new TextEncoder().encode(
      '{"event":"score.created","timestamp":"2026-08-20T12:00:00.000Z","data":{"scoreId":"s","projectId":"p","name":"x","value":1,"dataType":"NUMERIC"}}',
    )
    await store.db.updateTable('events').set({ body: stray }).execute()
    time += 11_000
    await settleDue({ db: store.db, routes, now })
    const failures = await store.db.selectFrom('settle_failures').select('failures').execute()
    expect(failures).toEqual([{ failures: 1 }])
  })

  it('of 500 versions of 200 KB takes little memory, and a webhook is answered and settled meanwhile', async () => {
    const script = new URL('../bench/large-change.ts', import.meta.url).pathname
    const { stdout } = await run(process.execPath, [script, '500', '200000', store.url])
    const report: LargeChangeReport = JSON.parse(stdout)
    expect(report).toMatchObject({ title: 'Maya Okonkwo created large v1–v500', texts: 500 })
    expect(report.memoryPeak - report.memoryBefore).toBeLessThan(250)
    expect(report.alerts).toBeGreaterThan(5)
    expect(report.slowestAnswerMs).toBeLessThan(1000)
    expect(report.slowestAlertMs).toBeLessThan(2000)
  }, 120_000)
})
