import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answerCallback, answerPreflight, type CallbackDeps } from '#lib/callback-door.ts'
import { callbackTaker } from '#lib/callback-store.ts'
import type { Change } from '#lib/change.ts'
import { toChange } from '#lib/db/changes.ts'
import { isPostgres, openDatabase } from '#lib/db/client.ts'
import { listFiltered } from '#lib/db/list.ts'
import { insertRejections } from '#lib/db/rejections.ts'
import type { CallbackIds, TraceAnswer } from '#lib/describe-callback.ts'
import { readEnv } from '#lib/env.ts'
import { emptyFilter } from '#lib/list-filter.ts'
import { prune } from '#lib/prune.ts'
import type { Routes } from '#lib/rules.ts'
import { type SettleDeps, settleDue } from '#lib/settle.ts'
import { fixture } from '../fixtures.ts'
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

const item = (traceId: string) => ({ projectId: 'p1', traceId, observationId: null })
const bodyOf = (...traceIds: string[]) => JSON.stringify({ version: 1, items: traceIds.map(item) })
const request = (body: string | Uint8Array, headers: Record<string, string> = {}, method = 'POST') =>
  new Request('http://localhost/api/callbacks/langfuse', {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' ? { body: body as BodyInit } : {}),
  })

describe.each(engines)('the callback door on %s', (_, openStore) => {
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
  const knock = async (one: Request, source = {}, over: Partial<CallbackDeps> = {}) => {
    const response = await answerCallback(one, deps(source, over))
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const settle = async (over: Partial<SettleDeps> = {}) => {
    for (let i = 0; i < 500; i++)
      if ((await settleDue({ db: store.db, routes, now, ...over })).looked === 0) return
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

  describe('takes', () => {
    it('what the server of Langfuse sends: one event, one change', async () => {
      const answer = await knock(request(callout, { 'user-agent': 'Langfuse/1.0' }))
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

    it('a browser at Langfuse, which may read the answer', async () => {
      const { status, headers } = await knock(request(bodyOf('t1'), { origin }))
      expect(status).toBe(202)
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('vary')).toBe('Origin')
    })

    it('several items, each as a change of its own', async () => {
      await knock(request(bodyOf('t1', 't2', 't3', 't1')))
      expect((await events()).map(({ subject }) => subject).toSorted()).toEqual(['t1', 't2', 't3'])
      expect(await changes()).toHaveLength(3)
    })

    it.each([
      ['as it is', { authorization: token }],
      ['as a bearer', { authorization: `Bearer ${token}` }],
    ])('the token %s', async (_, headers) => {
      expect((await knock(request(callout, headers), { CALLBACK_TOKEN: token })).status).toBe(202)
      expect(JSON.stringify(await events())).not.toContain(token)
    })

    it('the token in a header of one’s choice, from a browser too', async () => {
      const source = { CALLBACK_TOKEN: token, CALLBACK_TOKEN_HEADER: 'X-Relay' }
      const { status } = await knock(request(callout, { origin, 'x-relay': token }), source)
      expect(status).toBe(202)
    })
  })

  describe('an item that comes again', () => {
    it('within 10 s is the same press of the button, and answered alike', async () => {
      await knock(request(bodyOf('t1')))
      time += 9_999
      const again = await knock(request(bodyOf('t1', 't2')))
      expect([again.status, again.body]).toEqual([202, { ok: true }])
      expect((await events()).map(({ subject }) => subject)).toEqual(['t1', 't2'])
    })

    it('later is another one', async () => {
      for (const wait of [0, 10_000, 10_000]) {
        time += wait
        await knock(request(bodyOf('t1')))
      }
      expect(await changes()).toHaveLength(3)
    })

    it('at once through several instances is one', async () => {
      // Two handles on one SQLite file in one process would wait for each other; there, the two share one.
      const other = isPostgres(store.db) ? await openDatabase(store.url) : store.db
      const answers = await Promise.all(
        [store.db, other, store.db, other, store.db, other].map((db) =>
          knock(request(bodyOf('t1', 't2')), {}, { take: callbackTaker(db, now) }),
        ),
      )
      if (other !== store.db) await other.destroy()
      expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(202))
      expect(await events()).toHaveLength(2)
    })

    it('after the store was out of reach is taken', async () => {
      const { body, headers, status } = await knock(
        request(bodyOf('t1'), { origin }),
        {},
        {
          take: async () => {
            throw new Error('connect ECONNREFUSED')
          },
        },
      )
      expect([status, headers.get('retry-after')]).toEqual([503, '5'])
      expect(JSON.stringify(body)).not.toContain('ECONNREFUSED')
      expect((await knock(request(bodyOf('t1')))).status).toBe(202)
      expect(await events()).toHaveLength(1)
    })
  })

  describe('refuses and keeps', () => {
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
      const answer = await knock(make(), source)
      expect([answer.status, answer.body.error]).toEqual([status, reason])
      const [rejection] = await rejections()
      expect(rejection).toMatchObject({ door: 'langfuse-callback', status_code: status, reason })
      expect(rejection?.head.byteLength).toBeLessThanOrEqual(2048)
      expect(JSON.stringify([answer.body, rejection])).not.toContain(token.slice(0, -1))
      expect(await events()).toEqual([])
    })

    it('another origin without a word that its page could read', async () => {
      const { headers } = await knock(request(callout, { origin: 'https://evil.example' }))
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    })
  })

  describe('a preflight', () => {
    const ask = (headers: Record<string, string>, source = {}) =>
      answerPreflight(request('', headers, 'OPTIONS'), deps(source))

    it('of an allowed page is answered, and nothing is kept', async () => {
      const response = await ask({ origin, 'access-control-request-headers': 'authorization,content-type' })
      expect(response.status).toBe(204)
      expect(response.headers.get('access-control-allow-headers')).toBe('content-type, authorization')
      expect(await rejections()).toEqual([])
    })

    it('of another page is refused, and shows who tried', async () => {
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

    it('from one address wait, while others are let in', async () => {
      expect((await knock(request(many(0, 100)))).status).toBe(202)
      const refused = await knock(request(many(100, 21)))
      expect([refused.status, refused.body.error]).toEqual([429, 'too-many'])
      expect(Number(refused.headers.get('retry-after'))).toBe(60)
      expect((await rejections()).map(({ status_code }) => status_code)).toEqual([429])
      expect((await knock(request(many(100, 21)), {}, { address: '203.0.113.7' })).status).toBe(202)
      time += 60_000
      expect((await knock(request(many(200, 1)))).status).toBe(202)
      expect(await events()).toHaveLength(122)
    })

    it('in all wait, from however many addresses', async () => {
      const statuses: number[] = []
      for (const [i, address] of ['a', 'b', 'c'].entries())
        statuses.push((await knock(request(many(i * 100, 100)), {}, { address })).status)
      expect(statuses).toEqual([202, 202, 429])
    })

    it('of one item wait, and others do not', async () => {
      const statuses: number[] = []
      for (let i = 0; i < 11; i++) {
        statuses.push((await knock(request(bodyOf('t1')))).status)
        time += 20_000
      }
      expect(statuses).toEqual([...Array(10).fill(202), 429])
      expect((await knock(request(bodyOf('t2')))).status).toBe(202)
      time += 10 * 60_000
      expect((await knock(request(bodyOf('t1')))).status).toBe(202)
    })

    it('leave nothing behind once they are long ago', async () => {
      await knock(request(many(0, 20)))
      time += 10 * 60_000
      await prune(store.db, { retentionDays: 90, now, stopping: () => false })
      expect(await store.db.selectFrom('callback_pace').selectAll().execute()).toEqual([])
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

    it('at once without keys, told as not confirmed', async () => {
      await knock(request(callout))
      await settle()
      const [change] = await changes()
      expect(change).toMatchObject({ kind: 'trace-callback', status: 'settled', danger: false })
      expect(change?.title).toContain('(not confirmed)')
      expect(await statuses()).toEqual([['queued', 'callbacks']])
    })

    it('with what Langfuse knows of the trace, found by its name and its id', async () => {
      await knock(request(callout))
      const asked: CallbackIds[] = []
      await settle({
        readTrace: async (ids) => {
          asked.push(ids)
          // The store is not held meanwhile: a door would have to wait.
          await knock(request(bodyOf('t2')), {}, { address: 'another' })
          return found(ids)
        },
      })
      expect(asked[0]).toEqual({
        projectId: 'cmfq1x7h3000108l4b2k9d6tz',
        traceId: '1c563dcf980b449abb0dcbeaf1784e81',
        observationId: '9f8e7d6c5b4a3921',
        sessionId: null,
      })
      const [change] = await changes()
      expect(change?.title).toBe(
        'Someone asked to look at an observation of trace checkout-agent (1c563dcf…)',
      )
      expect(change?.detail).toMatchObject({ trace, environments: ['production'] })
      expect(change?.detail.facts).toMatchObject([{ confirmed: true }])
      for (const words of ['1c563dcf980b449abb0dcbeaf1784e81', 'checkout-agent', 'u-7'])
        expect(await search(words)).toContain(change?.id)
    })

    it('as something that goes nowhere where Langfuse knows no such trace', async () => {
      await knock(request(callout))
      await settle({ readTrace: async () => ({ state: 'not-found' }) })
      expect((await changes())[0]).toMatchObject({ kind: 'trace-callback', status: 'settled' })
      expect(await statuses()).toEqual([['skipped', 'callbacks: Langfuse does not know it']])
    })

    it('once Langfuse is back', async () => {
      await knock(request(callout))
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
      await knock(request(callout))
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

    it('each of many that are due at once, and asks for each once', async () => {
      await knock(request(bodyOf(...Array.from({ length: 8 }, (_, i) => `t${i}`))))
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
