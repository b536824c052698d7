import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change } from '#lib/core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '#lib/core/change/describe-callback.ts'
import { callbackLinks } from '#lib/core/change/links.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import { emptyFilter } from '#lib/core/list/filter.ts'
import { createDirectory } from '#lib/core/rules/project-directory.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { refusalPace } from '#lib/endpoints/answers.ts'
import { answerCallback, answerPreflight, type CallbackDeps } from '#lib/endpoints/callback.ts'
import { callbackTaker, type TakeCallbacks } from '#lib/pipeline/callbacks.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { projectReaders } from '#lib/pipeline/settle/project-readers.ts'
import { type SettleDeps, settleDue } from '#lib/pipeline/settle/settle.ts'
import { isPostgres, openDatabase } from '#lib/store/client.ts'
import { listFiltered } from '#lib/store/search/list.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { slackDigest, slackMessage } from '#lib/targets/slack/message.ts'
import { fixture } from '../fixtures.ts'
import { langfuseProject } from '../projects.ts'
import { engines, type TestStore } from './stores.ts'

const token = 'a-token-of-some-length'
const origin = 'https://cloud.langfuse.com'
const callout = fixture('x2-web-callout.json')
const target = { type: 'slack', url: 'https://slack.example/x' } as const
const routes: Routes = {
  targets: { slack: target },
  rules: [{ name: 'callbacks', on: ['trace-callback'], to: ['slack'] }],
  alertTargets: [],
}

function environment(source: Record<string, string> = {}) {
  const { env, problems } = readEnv(source)
  if (!env) throw new Error(problems.join(' '))
  return env
}

/** Every caller is accepted, as a stranger. */
const open = { CALLBACK_OPEN: '1' }
const keys = { LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1' }
const withToken = { CALLBACK_TOKEN: token }
const bearer = { authorization: `Bearer ${token}` }

const item = (traceId: string) => ({ projectId: 'p1', traceId, observationId: null })
const bodyOf = (...traceIds: string[]) => JSON.stringify({ version: 1, items: traceIds.map(item) })
const request = (body: string | Uint8Array, headers: Record<string, string> = {}, method = 'POST') =>
  new Request('http://localhost/api/callbacks/langfuse', {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: body as BodyInit } : {}),
  })

/** Langfuse, which knows no trace, and the hosts at which it was asked. */
function fakeLangfuse(): [string[], typeof globalThis.fetch] {
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(new URL(String(input)).host)
    return Response.json({ data: [], meta: {} }, { status: String(input).includes('/v2/') ? 200 : 404 })
  }
  return [asked, fetch]
}

describe.each(engines)('the callback endpoint on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    time = 1_787_000_000_000
    store = await openStore()
  })
  afterEach(() => store.close())

  const now = () => time
  const deps = (source: Record<string, string> = {}, over: Partial<CallbackDeps> = {}): CallbackDeps => ({
    env: environment(source),
    now,
    address: 'local',
    take: callbackTaker(store.db, now),
    reject: (rejection) => insertRejections(store.db, [rejection]),
    ...over,
  })
  const submit = async (
    one: Request,
    source: Record<string, string> = open,
    over: Partial<CallbackDeps> = {},
  ) => {
    const response = await answerCallback(one, deps(source, over))
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const settle = async (over: Partial<SettleDeps> = {}) => {
    for (let i = 0; i < 500; i++)
      if ((await settleDue({ db: store.db, routes, now, ...over })).claimed === 0) return
    throw new Error('It never ends')
  }
  const events = () => store.db.selectFrom('events').selectAll().orderBy('id').execute()
  const rejections = () => store.db.selectFrom('rejections').selectAll().orderBy('id').execute()
  const deliveries = () => store.db.selectFrom('deliveries').selectAll().execute()
  const changes = async (): Promise<Change[]> => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }

  const search = async (q: string): Promise<string[]> => {
    const { rows } = await listFiltered(store.db, { filter: { ...emptyFilter, q }, now: time }, {}, 10)
    return rows.map(({ change }) => change.id)
  }

  describe('accepts from its senders', () => {
    it("what Langfuse's server sends: one event, one change", async () => {
      const answer = await submit(request(callout, { 'user-agent': 'Langfuse/1.0' }))
      expect([answer.status, answer.body]).toEqual([202, { ok: true }])
      expect(await events()).toMatchObject([
        {
          source: 'langfuse-callback',
          type: 'trace-callback',
          project_id: 'cmfq1x7h3000108l4b2k9d6tz',
          subject: '1c563dcf980b449abb0dcbeaf1784e81',
        },
      ])
      expect(await changes()).toHaveLength(1)
    })

    it("a browser on Langfuse's site, which may read the answer", async () => {
      const { status, headers } = await submit(request(bodyOf('t1'), { origin }))
      expect(status).toBe(202)
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('vary')).toBe('Origin')
    })

    it('several items, each as a separate change', async () => {
      await submit(request(bodyOf('t1', 't2', 't3', 't1'), bearer), withToken)
      expect((await events()).map(({ subject }) => subject).toSorted()).toEqual(['t1', 't2', 't3'])
      expect(await changes()).toHaveLength(3)
    })

    it.each([
      ['as it is', { authorization: token }],
      ['as a bearer', { authorization: `Bearer ${token}` }],
    ])('the token %s', async (_, headers) => {
      expect((await submit(request(callout, headers), withToken)).status).toBe(202)
      expect(JSON.stringify(await events())).not.toContain(token)
    })

    it('the token in a configured header, from a browser too', async () => {
      const source = { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: 'X-Relay' }
      const { status } = await submit(request(callout, { origin, 'x-relay': token }), source)
      expect(status).toBe(202)
    })
  })

  describe('accepts', () => {
    const page = { origin }
    it.each<[string, Record<string, string>, Record<string, string>, number, string | null]>([
      ['the token', bearer, withToken, 202, 'token'],
      ['the token from a page', { ...bearer, ...page }, withToken, 202, 'token'],
      ['a page of Langfuse where API keys confirm what it says', page, keys, 202, 'page'],
      ['such a page beside a token', page, { ...keys, ...withToken }, 202, 'page'],
      ['anyone, where that is wanted', {}, { ...open, ...keys }, 202, 'open'],
      ['anyone without API keys', {}, open, 202, 'unconfirmed'],
      ['anyone, where that is wanted beside a token', {}, { ...open, ...withToken }, 202, 'unconfirmed'],
      ['nobody by itself', {}, {}, 503, null],
      ['no page without API keys', page, {}, 503, null],
      ['no server by API keys alone', {}, keys, 503, null],
      ['no page without the token and API keys', page, withToken, 401, null],
      ['no other page, however open', { origin: 'https://evil.example' }, { ...open, ...keys }, 403, null],
      [
        'no wrong token, however open',
        { authorization: 'Bearer x' },
        { ...open, ...keys, ...withToken },
        401,
        null,
      ],
    ])('%s', async (_, headers, source, status, signature) => {
      const answer = await submit(request(callout, headers), source)
      expect(answer.status).toBe(status)
      expect((await events()).map((event) => event.signature)).toEqual(signature === null ? [] : [signature])
      expect(answer.headers.get('access-control-allow-origin')).toBe(
        headers.origin === origin ? origin : null,
      )
    })

    it('nothing until one of three ways is configured, and names all three', async () => {
      const { status, body } = await submit(request(callout), {})
      expect([status, body.error]).toEqual([503, 'callbacks-closed'])
      for (const way of [
        'CALLBACK_TOKEN',
        'LANGFUSE_PUBLIC_KEY',
        'LANGFUSE_SECRET_KEY',
        origin,
        'CALLBACK_OPEN=1',
      ])
        expect(body.message).toContain(way)
    })

    it('no body before it has checked the headers', async () => {
      let isRead = false
      const pull = () => {
        isRead = true
      }
      const body = new ReadableStream({ pull }, { highWaterMark: 0 })
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit
      const one = new Request('http://localhost/api/callbacks/langfuse', init)
      expect((await submit(one, {})).status).toBe(503)
      expect(isRead).toBe(false)
    })
  })

  describe('a repeated item', () => {
    it('within 10 s counts as the same press of the button, and gets the same answer', async () => {
      await submit(request(bodyOf('t1'), bearer), withToken)
      time += 9_999
      const again = await submit(request(bodyOf('t1', 't2'), bearer), withToken)
      expect([again.status, again.body]).toEqual([202, { ok: true }])
      expect((await events()).map(({ subject }) => subject)).toEqual(['t1', 't2'])
    })

    it('later is a new one', async () => {
      for (const wait of [0, 10_000, 10_000]) {
        time += wait
        await submit(request(bodyOf('t1')))
      }
      expect(await changes()).toHaveLength(3)
    })

    it('that reaches several instances at once is one', async () => {
      // Two handles on one SQLite file in one process would wait for each other, so on SQLite the two share one.
      const other = isPostgres(store.db) ? await openDatabase(store.url) : store.db
      const answers = await Promise.all(
        [store.db, other, store.db, other, store.db, other].map((db) =>
          submit(request(bodyOf('t1', 't2')), open, { take: callbackTaker(db, now) }),
        ),
      )
      if (other !== store.db) await other.destroy()
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(202))
      expect(await events()).toHaveLength(2)
    })

    it('is accepted after the store was out of reach', async () => {
      const { body, headers, status } = await submit(request(bodyOf('t1'), { origin }), open, {
        take: async () => {
          throw new Error('connect ECONNREFUSED')
        },
      })
      expect([status, headers.get('retry-after')]).toEqual([503, '5'])
      expect(JSON.stringify(body)).not.toContain('ECONNREFUSED')
      expect((await submit(request(bodyOf('t1')))).status).toBe(202)
      expect(await events()).toHaveLength(1)
    })
  })

  describe('refuses and records', () => {
    it.each<[string, () => Request, number, string, Record<string, string>?]>([
      ['another origin', () => request(callout, { origin: 'https://evil.example' }), 403, 'wrong-origin'],
      ['a page without an origin', () => request(callout, { origin: 'null' }), 403, 'wrong-origin'],
      ['no token', () => request(callout), 401, 'token-missing', { CALLBACK_TOKEN: token }],
      [
        'another token',
        () => request(callout, { authorization: 'Bearer another-token-of-length' }),
        401,
        'token-mismatch',
        { CALLBACK_TOKEN: token },
      ],
      [
        'the beginning of the token',
        () => request(callout, { authorization: token.slice(0, -1) }),
        401,
        'token-mismatch',
        { CALLBACK_TOKEN: token },
      ],
      [
        'the token in another header',
        () => request(callout, { authorization: token }),
        401,
        'token-missing',
        { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: 'x-relay' },
      ],
      ['a wrong form', () => request('{"version":2,"items":[]}'), 400, 'wrong-shape'],
      ['no JSON', () => request('x'), 400, 'not-json'],
      ['a body that is too large', () => request('x'.repeat(513 * 1024)), 413, 'too-large'],
    ])('%s', async (_, make, status, reason, source) => {
      const answer = await submit(make(), source)
      expect([answer.status, answer.body.error]).toEqual([status, reason])
      const [rejection] = await rejections()
      expect(rejection).toMatchObject({ door: 'langfuse-callback', status_code: status, reason })
      expect(rejection?.head.byteLength).toBeLessThanOrEqual(2048)
      expect(JSON.stringify([answer.body, rejection])).not.toContain(token.slice(0, -1))
      expect(await events()).toEqual([])
    })

    it('another origin, with nothing that its page could read', async () => {
      const { headers } = await submit(request(callout, { origin: 'https://evil.example' }))
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    })
  })

  describe('a preflight', () => {
    const ask = (headers: Record<string, string>, source = {}) =>
      answerPreflight(request('', headers, 'OPTIONS'), deps(source))

    it('of an allowed page is answered, and nothing is stored', async () => {
      const response = await ask({ origin, 'access-control-request-headers': 'authorization,content-type' })
      expect(response.status).toBe(204)
      expect(response.headers.get('access-control-allow-headers')).toBe('content-type, authorization')
      expect(await rejections()).toEqual([])
    })

    it('of another page is refused, and recorded with its origin', async () => {
      const response = await ask({ origin: 'https://evil.example' })
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null])
      const [rejection] = await rejections()
      expect(rejection).toMatchObject({ method: 'OPTIONS', reason: 'wrong-origin' })
      expect(rejection?.message).toContain('https://evil.example')
    })
  })

  describe('too many', () => {
    const many = (from: number, count: number) =>
      bodyOf(...Array.from({ length: count }, (_, i) => `t${from + i}`))

    it('from one address are limited, while others are accepted', async () => {
      expect((await submit(request(many(0, 99)))).status).toBe(202)
      const refused = await submit(request(many(100, 2)))
      expect([refused.status, refused.body.error]).toEqual([429, 'too-many'])
      expect(Number(refused.headers.get('retry-after'))).toBe(60)
      expect((await rejections()).map(({ status_code }) => status_code)).toEqual([429])
      expect((await submit(request(many(100, 21)), open, { address: '203.0.113.7' })).status).toBe(202)
      time += 60_000
      expect((await submit(request(many(200, 1)))).status).toBe(202)
      expect(await events()).toHaveLength(121)
    })

    it('in all are limited, from however many addresses', async () => {
      const statuses: number[] = []
      for (const [i, address] of ['a', 'b', 'c'].entries())
        statuses.push((await submit(request(many(i * 50, 50)), open, { address })).status)
      expect(statuses).toEqual([202, 202, 429])
    })

    it('for one item are limited, and others are not', async () => {
      const statuses: number[] = []
      for (let i = 0; i < 11; i++) {
        statuses.push((await submit(request(bodyOf('t1')))).status)
        time += 20_000
      }
      expect(statuses).toEqual([...Array(10).fill(202), 429])
      expect((await submit(request(bodyOf('t2')))).status).toBe(202)
      time += 10 * 60_000
      expect((await submit(request(bodyOf('t1')))).status).toBe(202)
    })

    it('from strangers do not use up the share of senders with the token', async () => {
      const both = { ...open, ...withToken }
      for (let i = 0; i < 3; i++) await submit(request(many(i * 100, 100)), both, { address: `a${i}` })
      expect((await submit(request(many(0, 1)), both, { address: 'a9' })).status).toBe(202)
      for (let i = 0; i < 20; i++) await submit(request(many(0, 1)), both, { address: 'a9' })
      expect((await submit(request(many(0, 1)), both, { address: 'a9' })).status).toBe(429)
      const stored = (await events()).length
      // The item for which strangers have used up the limit, within the 10 s in which theirs is a repeat.
      expect((await submit(request(many(0, 1), bearer), both)).status).toBe(202)
      expect((await submit(request(many(0, 100), bearer), both)).status).toBe(202)
      expect(await events()).toHaveLength(stored + 100)
    })

    it('from senders with the token are limited too', async () => {
      const statuses: number[] = []
      for (let i = 0; i < 3; i++)
        statuses.push((await submit(request(many(i * 100, 100), bearer), withToken)).status)
      expect(statuses).toEqual([202, 202, 429])
    })

    it('from strangers are refused for the day if nothing can confirm them', async () => {
      let accepted = 0
      for (let i = 0; i < 30; i++) {
        if ((await submit(request(many(i * 100, 100)))).status === 202) accepted += 100
        time += 60_000
      }
      expect(accepted).toBe(2000)
      const { status, body, headers } = await submit(request(many(0, 1)))
      expect([status, body.message]).toEqual([429, 'More than 2,000 unconfirmed items in a day'])
      expect(Number(headers.get('retry-after'))).toBe(24 * 3600 - 30 * 60)
    })

    it('that Langfuse does not know are kept up to 1,000, however many arrive', async () => {
      const settleAll = () => settle({ readTrace: async () => ({ state: 'not-found' }) })
      for (let i = 0; i < 13; i++) {
        const { status } = await submit(request(many(i * 100, 100), { origin }), { ...keys, ...withToken })
        expect(status).toBe(202)
        time += 60_000
      }
      await submit(request(many(0, 3), bearer), { ...keys, ...withToken })
      await settleAll()
      expect(await events()).toHaveLength(1303)
      await prune(store.db, { retentionDays: 90, now, stopping: () => false })
      const left = (await events()).map(({ subject, signature }) => `${signature} ${subject}`)
      expect(left).toHaveLength(1003)
      expect(left).toEqual(expect.arrayContaining(['token t0', 'page t1299']))
      expect(left).not.toContain('page t0')
    })

    it('write only rejections, and a limited number of those', async () => {
      for (let i = 0; i < 2; i++) await submit(request(many(i * 60, 60)), open, { address: `a${i}` })
      const rows = async () => (await store.db.selectFrom('callback_pace').selectAll().execute()).length
      const [before, stored] = [await rows(), await events()]
      const records = refusalPace(now)
      const transaction = vi.spyOn(store.db, 'transaction')
      const statuses = new Set<number>()
      for (let i = 0; i < 100; i++) {
        const one = request(bodyOf(...Array.from({ length: 20 }, (_, j) => `x${i}-${j}`)))
        statuses.add((await submit(one, open, { address: `b${i}`, records })).status)
      }
      expect([...statuses]).toEqual([429])
      expect(transaction).not.toHaveBeenCalled()
      expect(await rows()).toBe(before)
      expect(await events()).toEqual(stored)
      expect(await rejections()).toHaveLength(30)
    })

    it('through several instances at once share one limit', async () => {
      const other = isPostgres(store.db) ? await openDatabase(store.url) : store.db
      const takers = [callbackTaker(store.db, now), callbackTaker(other, now)]
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          submit(request(many(i * 20, 20)), open, { address: `a${i}`, take: takers[i % 2] as TakeCallbacks }),
        ),
      )
      if (other !== store.db) await other.destroy()
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(6)
      expect(await events()).toHaveLength(120)
      expect((await store.db.selectFrom('callback_pace').selectAll().execute()).length).toBe(6 + 2 + 120)
    })

    it('leave nothing behind after a while', async () => {
      await submit(request(many(0, 20)))
      time += 24 * 60 * 60_000
      await prune(store.db, { retentionDays: 90, now, stopping: () => false })
      expect(await store.db.selectFrom('callback_pace').selectAll().execute()).toEqual([])
    })
  })

  describe('of several projects', () => {
    const [asked, langfuse] = fakeLangfuse()
    const withKeys = langfuseProject({
      ...{ name: 'support', id: 'cm0support', baseUrl: 'https://support.test' },
      keys: { publicKey: 'pk-lf-a', secretKey: 'sk-lf-a' },
    })
    const alsoWithKeys = langfuseProject({
      ...{ name: 'sales', id: 'cm0sales', baseUrl: 'https://sales.test' },
      keys: { publicKey: 'pk-lf-b', secretKey: 'sk-lf-b' },
    })
    const without = langfuseProject({ name: 'docs', id: 'cm0docs' })
    const directory = createDirectory([withKeys, alsoWithKeys, without])
    const readers = () =>
      projectReaders(
        [withKeys, alsoWithKeys].map((project) => ({
          project,
          api: { baseUrl: project.baseUrl, publicKey: 'pk', secretKey: 'sk', fetch: langfuse },
          draw: async () => 0,
        })),
        { directory, now },
      )
    const of = (projectId: string) =>
      JSON.stringify({ version: 1, items: [{ projectId, traceId: 'trace-of-someone', observationId: null }] })
    const told = async () => (await deliveries()).map(({ status, rule }) => [status, rule])
    beforeEach(() => {
      asked.length = 0
    })

    it('are confirmed with the keys of the project that they name, and no others', async () => {
      await submit(request(of('cm0sales'), bearer), withToken, { directory })
      await settle(readers())
      expect(new Set(asked)).toEqual(new Set(['sales.test']))
      expect(await told()).toEqual([['skipped', 'callbacks: Langfuse does not know it']])
    })

    it('are reported unconfirmed for a project without keys, without the words of a stranger', async () => {
      await submit(request(of('cm0docs')), open, { directory })
      await settle(readers())
      expect(asked).toEqual([])
      expect((await changes())[0]?.title).toBe('Someone asked for a look at a trace (not confirmed)')
      expect(await told()).toEqual([['queued', 'callbacks']])
    })

    it('from a page are withheld for a project without keys', async () => {
      await submit(request(of('cm0docs'), { origin }), {}, { directory })
      await settle(readers())
      expect(await told()).toEqual([['skipped', 'callbacks: Langfuse did not confirm it']])
    })

    it('that name no configured project are asked for nowhere, and withheld', async () => {
      await submit(request(of('cm0invented')), open, { directory })
      await settle(readers())
      expect(asked).toEqual([])
      expect(await told()).toEqual([['skipped', 'callbacks: Langfuse did not confirm it']])
    })
  })

  describe('settles', () => {
    const trace = {
      name: 'checkout-agent',
      user: 'u-7',
      environment: 'production',
      level: 'ERROR',
      latencyMs: 2500,
      cost: 0.01,
      observations: 3,
      startedAt: 0,
    }
    const found = (ids: CallbackIds): TraceAnswer => ({ state: 'found', ids, trace })
    const noAnswer: TraceAnswer = { state: 'no-answer', message: 'gone', retryAfterMs: null }
    const statuses = async () => (await deliveries()).map(({ status, rule }) => [status, rule])

    it('at once without keys, reported as not confirmed', async () => {
      await submit(request(callout))
      await settle()
      const [change] = await changes()
      expect(change).toMatchObject({ kind: 'trace-callback', status: 'settled', danger: false })
      expect(change?.title).toContain('(not confirmed)')
      expect(await statuses()).toEqual([['queued', 'callbacks']])
    })

    it('with what Langfuse knows of the trace, found by its name and its id', async () => {
      await submit(request(callout))
      const asked: CallbackIds[] = []
      await settle({
        readTrace: async (ids) => {
          asked.push(ids)
          // No transaction is open meanwhile: an endpoint would have to wait for it.
          await submit(request(bodyOf('t2')), open, { address: 'another' })
          return found(ids)
        },
      })
      expect(asked[0]).toEqual({
        isAnonymous: true,
        projectId: 'cmfq1x7h3000108l4b2k9d6tz',
        traceId: '1c563dcf980b449abb0dcbeaf1784e81',
        observationId: '9f8e7d6c5b4a3921',
        sessionId: null,
      })
      const [change] = await changes()
      expect(change?.title).toBe(
        'Someone asked for a look at an observation of trace checkout-agent (1c563dcf…)',
      )
      expect(change?.detail).toMatchObject({ trace, environments: ['production'] })
      expect(change?.detail.facts).toMatchObject([{ confirmed: true }])
      for (const words of ['1c563dcf980b449abb0dcbeaf1784e81', 'checkout-agent', 'u-7'])
        expect(await search(words)).toContain(change?.id)
    })

    it('without notifying any target if Langfuse knows no such trace', async () => {
      await submit(request(callout))
      await settle({ readTrace: async () => ({ state: 'not-found' }) })
      expect((await changes())[0]).toMatchObject({ kind: 'trace-callback', status: 'settled' })
      expect(await statuses()).toEqual([['skipped', 'callbacks: Langfuse does not know it']])
    })

    const text = 'free-pizza at evil.example'
    const sentence = JSON.stringify({
      version: 1,
      items: [{ projectId: text, traceId: text, observationId: text, sessionId: text }],
    })
    /** Everything that messages are built from. */
    const told = async () => {
      const [row] = await store.db.selectFrom('changes').selectAll().execute()
      if (!row) throw new Error('Nothing settled')
      const change = toChange(row)
      const links = { page: null, langfuse: callbackLinks(change, 'https://l.test')[0]?.url ?? null }
      const [fact] = change.detail.facts
      if (!fact) throw new Error('No fact')
      const message: Message = { deliveryId: 'dlv_1', change, fact, text: undefined, links }
      return JSON.stringify([slackMessage(message), slackDigest([message, message]), message.change])
    }

    it.each([
      ['open', {}, open],
      ['with a token beside', {}, { ...open, ...withToken }],
    ])('the words of a stranger nowhere, where nobody confirms them (%s)', async (_, headers, source) => {
      await submit(request(sentence, headers), source)
      await settle()
      expect(await statuses()).toEqual([['queued', 'callbacks']])
      expect(await told()).not.toMatch(/pizza|evil/)
      expect((await changes())[0]).toMatchObject({
        title: 'Someone asked for a look at an observation of a trace (not confirmed)',
        projectId: null,
      })
    })

    it('only machine-made ids of a stranger, but all ids of a sender with the token', async () => {
      await submit(request(callout))
      await settle()
      expect(await told()).toContain('1c563dcf980b449abb0dcbeaf1784e81')
      await store.db.deleteFrom('changes').execute()
      await submit(request(sentence, bearer), withToken)
      await settle()
      expect(await told()).toContain('pizza')
    })

    it('nothing from a page before Langfuse has confirmed it', async () => {
      await submit(request(sentence, { origin }), keys)
      await settle({ readTrace: async () => noAnswer })
      expect(await statuses()).toEqual([])
      time += 11 * 60_000
      await settle({ readTrace: async () => ({ state: 'not-found' }) })
      expect(await statuses()).toEqual([['skipped', 'callbacks: Langfuse does not know it']])
    })

    it.each([
      ['of a page', { origin }, keys],
      ['of anyone', {}, { ...open, ...keys }],
    ])('nothing %s where the API keys are gone before it is confirmed', async (_, headers, source) => {
      await submit(request(sentence, headers), source)
      await settle()
      expect(await statuses()).toEqual([['skipped', 'callbacks: Langfuse did not confirm it']])
    })

    it('says for whom it asks Langfuse, so that strangers draw on their own share of the budget', async () => {
      const asked: CallbackIds[] = []
      const readTrace = async (ids: CallbackIds): Promise<TraceAnswer> => {
        asked.push(ids)
        return { state: 'not-found' }
      }
      await submit(request(bodyOf('t1'), { origin }), { ...keys, ...withToken })
      await submit(request(bodyOf('t1'), bearer), { ...keys, ...withToken })
      await settle({ readTrace })
      expect(asked.map(({ isAnonymous }) => isAnonymous).toSorted()).toEqual([true, undefined])
    })

    it('once Langfuse is back', async () => {
      await submit(request(callout))
      let asked = 0
      const readTrace = async (ids: CallbackIds) => (asked++ < 3 ? noAnswer : found(ids))
      for (const wait of [0, 29_999, 1, 30_000, 30_000]) {
        time += wait
        expect((await changes())[0]?.status).toBe('settling')
        await settle({ readTrace })
      }
      expect(asked).toBe(4)
      expect((await changes())[0]?.status).toBe('settled')
      expect(await statuses()).toEqual([['queued', 'callbacks']])
    })

    it('after 10 minutes without an answer, as something that could not be confirmed', async () => {
      await submit(request(callout))
      const readTrace = async () => noAnswer
      for (let i = 0; i < 20; i++) {
        await settle({ readTrace })
        expect((await changes())[0]?.status).toBe('settling')
        time += 30_000
      }
      await settle({ readTrace })
      expect((await changes())[0]?.title).toContain('could not be confirmed')
      expect(await statuses()).toEqual([['skipped', 'callbacks: Langfuse did not confirm it']])
    })

    it('many that are due at once, and asks Langfuse once for each', async () => {
      await submit(request(bodyOf(...Array.from({ length: 8 }, (_, i) => `t${i}`))))
      let asked = 0
      await settle({
        readTrace: async (ids) => {
          asked++
          return found(ids)
        },
      })
      expect(asked).toBe(8)
      expect((await changes()).map(({ status }) => status)).toEqual(Array(8).fill('settled'))
    })
  })
})
