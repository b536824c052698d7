import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { pollName } from '#lib/core/polling/state.ts'
import { createDirectory } from '#lib/core/rules/project-directory.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { projectReaders } from '#lib/pipeline/settle/project-readers.ts'
import { readPoll } from '#lib/store/tables/polls.ts'
import { fixture, sign } from '../fixtures.ts'
import { mockKeys, mockLangfuse, mockProject } from '../mocks/langfuse-api.ts'
import { langfuseProject } from '../projects.ts'
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

const { values: env } = readEnv({})
const secretOf = (name: string): string => `lf-whsec_${name.padEnd(64, '0')}`
const timeoutMs = 10_000

const slow = langfuseProject({
  name: 'slow',
  id: 'cm0slow',
  baseUrl: 'https://slow.test',
  keys: { publicKey: 'pk-lf-slow', secretKey: 'sk-lf-slow' },
  webhookSecrets: [secretOf('slow')],
})
const quick = langfuseProject({
  name: 'quick',
  baseUrl: 'https://quick.test',
  keys: mockKeys,
  webhookSecrets: [secretOf('quick')],
})
const routes: Routes = {
  targets: slackTargets('team'),
  rules: [{ name: 'quick', project: 'quick', to: ['team'] }],
  alertTargets: [],
}

const created = JSON.parse(fixture('01-prompt-created-text.json').toString())

describe.each(engines)('a project whose Langfuse hangs, on %s', (_, openStore) => {
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

  const mock = mockLangfuse(Date.now)
  const asked: string[] = []
  /** The one answers as Langfuse does, the other not at all. */
  const langfuse: typeof globalThis.fetch = async (input) => {
    const url = new URL(String(input))
    asked.push(url.host)
    if (url.host === 'slow.test') {
      await sleep(timeoutMs)
      throw new DOMException('The operation timed out', 'TimeoutError')
    }
    if (url.pathname.startsWith('/api/public/v2/prompts/'))
      return Response.json({
        ...{ projectId: mockProject, type: 'text', prompt: 'You are a support agent.', config: {} },
        version: Number(url.searchParams.get('version')),
      })
    const answer = mock.answer(
      url,
      `Basic ${Buffer.from(`${mockKeys.publicKey}:${mockKeys.secretKey}`).toString('base64')}`,
    )
    if (!answer) throw new TypeError('fetch failed')
    return new Response(answer.body, { status: answer.status, headers: answer.headers ?? {} })
  }

  const directory = createDirectory([slow, quick])
  const accesses = [slow, quick].flatMap((project) =>
    project.keys === null
      ? []
      : [
          {
            project,
            api: { baseUrl: project.baseUrl, ...project.keys, fetch: langfuse },
            draw: async () => 0,
          },
        ],
  )

  /** A new version, whose predecessor's text was in no event. */
  const edit = async (projectId: string, signer: string, name: string) => {
    const at = new Date().toISOString()
    const prompt = { ...created.prompt, id: name, name, version: 7, projectId, createdAt: at, updatedAt: at }
    const body = JSON.stringify({ ...created, id: `edit-${name}`, timestamp: at, prompt })
    const signature = sign(body, { secret: secretOf(signer), t: Math.floor(Date.now() / 1000) })
    const headers = { 'x-langfuse-signature': signature }
    const request = new Request('http://localhost/', { method: 'POST', headers, body })
    const receive = receiver(watched.db, { settleMs: 2000, now: Date.now })
    const deps = { env, directory, now: Date.now, receive, reject: async () => {} }
    expect((await answerWebhook(request, deps)).status).toBe(202)
  }

  it('delays neither the polling, the settling nor the messages of another', async () => {
    const { fetch, calls } = fetchDouble(() => ok())
    const loop = simulatedLoop(watched, {
      ...{ fetch, routes, directory },
      ...projectReaders(accesses, { directory, now: Date.now }),
      polls: accesses.map((access) => ({
        ...access,
        directory,
        ...{ everyMs: 60_000, backfillMs: 3_600_000, coolDownMs: 60_000 },
      })),
    })
    const ended = (async () => {
      await loop.start()
      await sleep(1000)
      for (let place = 0; place < 10; place++) await edit('cm0slow', 'slow', `slow-${place}`)
      await edit(mockProject, 'quick', 'quick')
      loop.wake()
      await sleep(5000)
      const polled = await readPoll(watched.db, pollName({ baseUrl: quick.baseUrl, ...mockKeys }))
      const settled = await watched.db
        .selectFrom('changes')
        .select(['subject', 'detail'])
        .where('status', '=', 'settled')
        .execute()
      await sleep(60_000)
      await loop.stop()
      return { polled, settled }
    })()
    const { polled, settled } = await passTime(ended, [watched])
    expect(loop.errors).toEqual([])
    expect(asked).toContain('slow.test')
    expect(polled?.scores.doneAt).toBeGreaterThanOrEqual(start)
    expect(settled.map(({ subject }) => subject)).toEqual(['quick'])
    expect(JSON.parse(settled[0]?.detail ?? '{}').difference).toMatchObject({ fromVersion: 6, toVersion: 7 })
    expect(calls).toHaveLength(1)
    const all = await watched.db.selectFrom('changes').select('status').execute()
    expect(all.map(({ status }) => status)).toEqual(Array(11).fill('settled'))
  })
})
