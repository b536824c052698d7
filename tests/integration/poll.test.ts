import { http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change } from '#lib/core/change/change.ts'
import { emptyFilter } from '#lib/core/list/filter.ts'
import { pollName } from '#lib/core/polling/state.ts'
import { createDirectory } from '#lib/core/rules/project-directory.ts'
import type { Routes, Rule } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { createLoop } from '#lib/pipeline/loop.ts'
import { type PollDeps, poll } from '#lib/pipeline/poll.ts'
import { learnProjectIds } from '#lib/pipeline/project-ids.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { listFiltered } from '#lib/store/search/list.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { readPoll, usageSince } from '#lib/store/tables/polls.ts'
import { requestBudget } from '#lib/store/tables/request-budget.ts'
import { secret, sign } from '../fixtures.ts'
import { type LangfuseMock, mockKeys, mockLangfuse, mockProject } from '../mocks/langfuse-api.ts'
import { langfuseProject } from '../projects.ts'
import { engines, type TestStore } from './stores.ts'

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }))
afterAll(() => server.close())

const base = 'https://langfuse.test'
const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-08-21T12:00:00Z')
const errors: Rule = { name: 'errors', on: ['error-trace'], to: ['slack'] }
const lowScores: Rule = { name: 'low', on: ['score.created'], score: { below: 0.4 }, to: ['slack'] }

describe.each(engines)('polling Langfuse on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  let langfuse: LangfuseMock
  const now = () => time
  // Read late, because the interceptor of requests replaces it.
  const fetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init)
  const api = { baseUrl: base, ...mockKeys, fetch }

  beforeEach(async () => {
    time = start
    store = await openStore()
    langfuse = mockLangfuse(now)
    server.resetHandlers(
      http.get(`${base}/api/public/*`, ({ request }) => {
        const answer = langfuse.answer(new URL(request.url), request.headers.get('authorization'))
        if (!answer) return Response.error()
        return new Response(answer.body, { status: answer.status, headers: answer.headers ?? {} })
      }),
    )
  })
  afterEach(async () => {
    expect(langfuse.problems).toEqual([])
    await store.close()
  })

  const budgetOf = (perMinute: number) => requestBudget(store.db, { name: pollName(api), perMinute }, now)
  const deps = (over: Partial<PollDeps> = {}): PollDeps => ({
    db: store.db,
    project: langfuseProject({ baseUrl: base, keys: mockKeys }),
    api,
    rules: [errors, lowScores],
    now,
    stopping: () => false,
    everyMs: minute,
    backfillMs: 24 * hour,
    draw: budgetOf(20),
    coolDownMs: 5 * minute,
    retentionMs: 90 * 24 * hour,
    ...over,
  })
  const polled = (over: Partial<PollDeps> = {}) => poll(deps(over))
  /** Polls whenever it is due, until this time. */
  const pollUntil = async (end: number, over: Partial<PollDeps> = {}) => {
    for (let round = 0; round < 2000 && time < end; round++) {
      const next = await polled(over)
      time = Math.max(time + 1, Math.min(next, end))
    }
  }
  const settle = async (rules: Rule[] = [errors, lowScores]) => {
    const routes: Routes = {
      targets: { slack: { type: 'slack', url: 'https://slack.test' } },
      rules,
      alertTargets: [],
    }
    while ((await settleDue({ db: store.db, routes, now })).claimed > 0);
  }
  const changes = async (): Promise<Change[]> =>
    (await store.db.selectFrom('changes').selectAll().orderBy('id').execute()).map(toChange)
  const counted = async () =>
    (await changes()).reduce(
      (sum, { detail }) => sum + detail.facts.reduce((n, fact) => n + ('count' in fact ? fact.count : 0), 0),
      0,
    )
  const events = () => store.db.selectFrom('events').selectAll().orderBy('id').execute()
  const state = async () => {
    const read = await readPoll(store.db, pollName(api))
    if (!read) throw new Error('Never polled')
    return read
  }
  const failing = (id: string, at: number, more: object = {}) => ({
    id,
    start: at,
    level: 'ERROR',
    statusMessage: `${id} broke`,
    traceName: 'checkout-agent',
    ...more,
  })
  const many = (count: number, make: (i: number) => ReturnType<typeof failing>) =>
    Array.from({ length: count }, (_, i) => make(i))

  it('reports an error once, however often it is read', async () => {
    langfuse.observations = [failing('e1', start - minute), { id: 'fine', start: start - minute }]
    await pollUntil(start + 20 * minute)
    await settle()
    const [change, ...others] = await changes()
    expect(others).toEqual([])
    expect(change).toMatchObject({
      kind: 'error-trace',
      projectId: mockProject,
      subject: 'checkout-agent',
      title: 'Error in checkout-agent: e1 broke',
      danger: true,
      detail: {
        observed: [{ traceId: 'trace-of-e1', id: 'e1', level: 'ERROR' }],
        environments: ['production'],
      },
    })
    expect(await events()).toMatchObject([
      { source: 'langfuse-api', type: 'trace', subject: 'checkout-agent' },
    ])
  })

  it('reads all pages of a window', async () => {
    langfuse.pageSize = 7
    langfuse.observations = many(40, (i) => failing(`e${i}`, start - 10 * minute + i * 1000))
    await polled()
    await settle()
    expect(await changes()).toMatchObject([{ title: '40 errors in checkout-agent within a minute' }])
    expect(langfuse.asked.filter((asked) => asked.includes('cursor='))).toHaveLength(5)
  })

  it('finds rows that arrive up to 15 minutes late, once', async () => {
    langfuse.observations = many(30, (i) =>
      failing(`e${i}`, start + i * minute, { arrives: start + i * minute + 14 * minute }),
    )
    await pollUntil(start + hour)
    expect(await counted()).toBe(30)
  })

  it('resumes after a crash between pages', async () => {
    langfuse.pageSize = 5
    langfuse.observations = many(20, (i) => failing(`e${i}`, start - 10 * minute + i * 1000))
    let pages = 0
    await polled({ stopping: () => pages++ > 2 })
    expect(await counted()).toBeLessThan(20)
    expect(await counted()).toBeGreaterThan(0)
    const before = langfuse.asked.length
    await polled()
    expect(await counted()).toBe(20)
    expect(langfuse.asked[before]).toContain('cursor=')
  })

  it('catches up in slices after an outage of hours, and misses nothing', async () => {
    await polled()
    langfuse.observations = many(60, (i) => failing(`e${i}`, start + i * 5 * minute))
    langfuse.scores = many(5, (i) => failing(`s${i}`, 0)).map(({ id }, i) => ({
      id,
      at: start + i * hour,
      value: 0.1,
    }))
    time = start + 6 * hour
    await pollUntil(time + 10 * minute, { draw: budgetOf(20) })
    expect(await counted()).toBe(65)
    expect((await state()).observations).toMatchObject({ skipped: null, error: null })
  })

  it('leaves out what is older than the backfill, and says which period that is', async () => {
    await polled()
    const mark = (await state()).observations.mark ?? 0
    langfuse.observations = [failing('old', start + hour), failing('new', start + 9 * hour)]
    time = start + 10 * hour
    await pollUntil(time + 5 * minute, { backfillMs: 2 * hour })
    expect((await changes()).map(({ title }) => title)).toEqual(['Error in checkout-agent: new broke'])
    expect((await state()).observations.skipped).toEqual({ from: mark, to: start + 8 * hour })
  })

  it('never sends more requests in a minute than it may', async () => {
    langfuse.pageSize = 1
    langfuse.observations = many(50, (i) => failing(`e${i}`, start - 10 * minute + i * 1000))
    const times: number[] = []
    const counting: typeof globalThis.fetch = (input, init) => {
      times.push(time)
      return globalThis.fetch(input, init)
    }
    await pollUntil(start + 12 * minute, { draw: budgetOf(6), api: { ...api, fetch: counting } })
    expect(times.length).toBeGreaterThan(50)
    for (const at of times)
      expect(times.filter((one) => one >= at && one < at + minute).length).toBeLessThanOrEqual(6)
    expect(await counted()).toBe(50)
  })

  it('pauses as long as Langfuse asks for, and then misses nothing', async () => {
    langfuse.observations = [failing('e1', start)]
    langfuse.next = [{ status: 429, headers: { 'retry-after': '90' } }]
    expect(await polled()).toBe(start + 90_000)
    time = start + 30_000
    await polled()
    expect(langfuse.asked).toHaveLength(1)
    time = start + 90_000
    await polled()
    expect(await counted()).toBe(1)
  })

  it('pauses for at most two hours, whatever Langfuse asks for', async () => {
    langfuse.next = [{ status: 429, headers: { 'retry-after': '99999999' } }]
    expect(await polled()).toBe(start + 2 * hour)
  })

  it('resumes by itself if an earlier version postponed it for years', async () => {
    langfuse.observations = [failing('e1', start)]
    await polled()
    await store.db
      .updateTable('polls')
      .set({ next_at: start + 3 * 365 * 24 * hour })
      .execute()
    time = start + minute
    langfuse.observations.push(failing('e2', time))
    expect(await polled()).toBe(time + minute)
    expect(await counted()).toBe(2)
  })

  it.each<[string, LangfuseMock['next'][number], string]>([
    ['it is down', { status: 503 }, 'Langfuse answered 503'],
    ['the connection breaks', null, 'Langfuse'],
    ['the keys are wrong', { status: 401 }, 'Langfuse does not know these API keys (401)'],
    ['the answer is no JSON', { status: 200, body: '<html>' }, 'something other than JSON'],
    ['the answer is of another shape', { status: 200, body: '{"rows":[]}' }, 'an unknown form'],
  ])('says so where %s, and catches up afterwards', async (_why, answer, message) => {
    langfuse.observations = [failing('e1', start - minute)]
    await polled()
    langfuse.observations.push(failing('e2', start + minute))
    langfuse.next = [answer, answer]
    time = start + 2 * minute
    await polled()
    const { error, observations, scores } = await state()
    expect([error, observations.error, scores.error].map((one) => one?.message).join(' ')).toContain(message)
    await pollUntil(start + 5 * minute)
    expect(await counted()).toBe(2)
    expect(await state()).toMatchObject({
      error: null,
      observations: { error: null },
      scores: { error: null },
    })
  })

  it('reads scores even if observations fail', async () => {
    await polled()
    langfuse.scores = [{ id: 's1', at: start + minute, value: 0.1 }]
    langfuse.next = [{ status: 500 }]
    time = start + 2 * minute
    await polled()
    await settle()
    expect(await changes()).toMatchObject([{ kind: 'score', title: 'Score helpfulness is 0.1' }])
  })

  it('falls back to the endpoints of Langfuse v3, and checks once a day for newer ones', async () => {
    langfuse.missing = new Set(['/api/public/v2/observations', '/api/public/v3/scores'])
    langfuse.pageSize = 4
    langfuse.observations = many(10, (i) =>
      failing(`e${i}`, start - minute + i, { providedModelName: 'gpt' }),
    )
    langfuse.scores = [
      { id: 'yes', at: start, name: 'ok', dataType: 'BOOLEAN', value: 0, stringValue: 'False' },
      { id: 'n', at: start, value: 0.2 },
    ]
    await polled()
    await settle()
    expect((await changes()).map(({ title }) => title).toSorted()).toEqual([
      '10 errors in step within a minute',
      'Score helpfulness is 0.2',
      'Score ok is no',
    ])
    expect((await state()).observations.oldSince).toBe(start)
    langfuse.missing = new Set()
    time = start + 25 * hour
    await pollUntil(time + 30 * minute)
    expect((await state()).observations.oldSince).toBeNull()
    expect((await state()).scores.oldSince).toBeNull()
    expect(await counted()).toBe(12)
  })

  it.each([
    ['ahead', 40 * minute],
    ['behind', -40 * minute],
  ])("misses nothing where Langfuse's clock is %s of ours", async (_word, ahead) => {
    langfuse.ahead = ahead
    langfuse.observations = many(30, (i) => failing(`e${i}`, start + ahead + i * minute))
    await pollUntil(start + 40 * minute)
    expect(await counted()).toBe(30)
  })

  it('finds rows of clients whose clocks are ahead, once', async () => {
    langfuse.observations = [failing('e1', start + 20 * minute, { arrives: start })]
    await pollUntil(start + hour)
    expect(await counted()).toBe(1)
  })

  it('polls once if two instances poll at the same time', async () => {
    langfuse.pageSize = 3
    langfuse.observations = many(20, (i) => failing(`e${i}`, start - minute + i))
    await Promise.all([polled(), polled(), polled()])
    expect(await counted()).toBe(20)
    expect(langfuse.asked.filter((asked) => asked.includes('/projects'))).toHaveLength(1)
  })

  it('stores nothing from a worker whose lease was taken over', async () => {
    langfuse.observations = [failing('e1', start - minute)]
    let isFirst = true
    const slow: typeof globalThis.fetch = async (input, init) => {
      const answer = await globalThis.fetch(input, init)
      if (isFirst && String(input).includes('observations')) {
        isFirst = false
        time += 2 * minute
        await polled()
      }
      return answer
    }
    await polled({ api: { ...api, fetch: slow } })
    expect(await counted()).toBe(1)
    expect(await events()).toHaveLength(1)
  })

  describe('bursts', () => {
    it('reports the first at once, and the rest of the cool-down together at its end', async () => {
      langfuse.observations = many(37, (i) => failing(`e${i}`, start + i * 8000))
      while (time < start + 12 * minute) {
        await polled()
        await settle()
        time += minute
      }
      const told = await changes()
      expect(told[0]).toMatchObject({ title: 'Error in checkout-agent: e0 broke' })
      expect(told.map(({ title }) => title)[1]).toMatch(/^\d\d errors in checkout-agent in [45] minutes$/)
      expect(await counted()).toBe(37)
      const gaps = told.map(({ settledAt }) => settledAt ?? 0).map((at, i, all) => at - (all[i - 1] ?? 0))
      for (const gap of gaps.slice(1)) expect(gap).toBeGreaterThanOrEqual(5 * minute)
    })

    it('keeps 100 events of a burst, and counts all of them', async () => {
      langfuse.observations = many(250, (i) => failing(`e${i}`, start - 10 * minute + i * 1000))
      await polled()
      await settle()
      const [change] = await changes()
      expect(change).toMatchObject({ title: '250 errors in checkout-agent in 5 minutes', eventCount: 100 })
      expect(change?.detail.observed).toHaveLength(20)
      expect(await events()).toHaveLength(100)
    })

    it('keeps the first row for each rule, however many precede it', async () => {
      const dear: Rule = { name: 'dear', on: ['error-trace'], costAbove: 5, to: ['slack'] }
      langfuse.observations = [
        ...many(150, (i) => failing(`e${i}`, start - 10 * minute + i)),
        failing('dear', start - minute, { totalCost: 6 }),
      ]
      await polled({ rules: [errors, dear] })
      await settle([dear])
      const delivery = await store.db.selectFrom('deliveries').selectAll().executeTakeFirstOrThrow()
      expect(delivery).toMatchObject({ status: 'queued', rule: 'dear' })
      expect(JSON.parse(delivery.fact)).toMatchObject({ count: 1, isLeast: true, name: 'checkout-agent' })
    })

    it('keeps different names apart', async () => {
      langfuse.observations = [
        failing('a', start, { traceName: 'one' }),
        failing('b', start, { traceName: 'two' }),
      ]
      await polled()
      await settle()
      expect((await changes()).map(({ subject }) => subject).toSorted()).toEqual(['one', 'two'])
    })
  })

  it('reports an error that arrives with an update of a trace that was read before', async () => {
    langfuse.observations = [{ id: 'x', start: start - minute, traceName: 'checkout-agent' }]
    await polled()
    expect(await counted()).toBe(0)
    langfuse.observations = [failing('x', start - minute)]
    time += minute
    await polled()
    time += minute
    langfuse.observations = [failing('x', start - minute, { statusMessage: 'again' })]
    await polled()
    expect(await counted()).toBe(1)
  })

  it('reports updates if a rule asks for them', async () => {
    const updates: Rule = { name: 'updates', on: ['score.updated'], to: ['slack'] }
    langfuse.scores = [{ id: 's', at: start - minute, value: 0.1 }]
    await polled({ rules: [updates] })
    expect(await counted()).toBe(0)
    langfuse.scores = [{ id: 's', at: start - minute, value: 0.9, updatedAt: new Date(start).toISOString() }]
    time += minute
    await polled({ rules: [updates] })
    await settle([updates])
    expect(await changes()).toMatchObject([{ kind: 'score', title: 'Score helpfulness is 0.9' }])
    expect(await events()).toMatchObject([{ type: 'score', action: 'updated' }])
  })

  it('counts what each generation used once, and corrects it with an update', async () => {
    const generation = (output: number, more: object = {}) => ({
      id: 'g',
      start: start - minute,
      parentObservationId: 'x',
      type: 'GENERATION',
      providedModelName: 'gpt-5',
      usageDetails: { input: 100, input_cached_tokens: 20, output, total: 120 + output },
      totalCost: output / 1000,
      ...more,
    })
    langfuse.observations = [generation(0), generation(7, { id: 'h' })]
    await pollUntil(start + 3 * minute)
    langfuse.observations = [generation(30), generation(7, { id: 'h' })]
    await pollUntil(start + 6 * minute)
    expect(await usageSince(store.db, '2026-08-01')).toEqual([
      { day: '2026-08-21', model: 'gpt-5', generations: 2, input: 240, output: 37, total: 277, usd: 0.037 },
    ])
    const [row] = await usageSince(store.db, '2026-08-01', { byProject: true })
    expect(row).toMatchObject({ projectId: mockProject, output: 37 })
    expect(await events()).toEqual([])
  })

  it('reads nothing with keys of another project than the configured id, and says so', async () => {
    langfuse.observations = [failing('e1', start - minute)]
    const project = langfuseProject({ baseUrl: base, keys: mockKeys, id: 'cm0other' })
    await polled({ project })
    const state = await readPoll(store.db, pollName(api))
    expect(state?.error?.message).toBe(
      `These keys belong to the project ${mockProject} in Langfuse, but projects.default.id names another`,
    )
    time += 2 * minute
    await polled({ project })
    expect(langfuse.asked.map((url) => url.split('?')[0])).toEqual(['/api/public/projects'])
    expect(await events()).toEqual([])
  })

  it('reads nothing with keys of a project that is configured under another name, and says so', async () => {
    const directory = createDirectory([
      langfuseProject({ name: 'support', id: mockProject }),
      langfuseProject({ name: 'sales', baseUrl: base, keys: mockKeys }),
    ])
    const [, project] = directory.projects
    await polled({ directory, ...(project && { project }) })
    const state = await readPoll(store.db, pollName(api))
    expect(state?.error?.message).toBe(
      'These keys belong to the same project in Langfuse as those of support',
    )
  })

  it('asks only for the project of the keys where nothing is to be polled', async () => {
    langfuse.observations = [failing('e1', start - minute)]
    await polled({ everyMs: 0 })
    time += 2 * minute
    await polled({ everyMs: 0 })
    expect(langfuse.asked.map((url) => url.split('?')[0])).toEqual(['/api/public/projects'])
    const directory = createDirectory([langfuseProject({ name: 'support', baseUrl: base, keys: mockKeys })])
    await learnProjectIds(store.db, directory)
    expect(directory.idOf('support')).toBe(mockProject)
  })

  it('forgets rows that it does not read again', async () => {
    langfuse.observations = many(5, (i) => failing(`e${i}`, start + i))
    await pollUntil(start + 2 * hour)
    expect(await store.db.selectFrom('polled').selectAll().execute()).toEqual([])
    expect(await counted()).toBe(5)
  })

  it('is part of the loop: rows are settled and delivered, and Setup shows its state', async () => {
    const sent: string[] = []
    const slack: typeof globalThis.fetch = async (_input, init) => {
      sent.push(String(init?.body))
      return new Response('ok')
    }
    langfuse.observations = [failing('e1', start - minute)]
    const loop = createLoop({
      db: store.db,
      routes: {
        targets: { slack: { type: 'slack', url: 'https://slack.test/x' } },
        rules: [errors],
        alertTargets: [],
      },
      now,
      random: Math.random,
      sleep: async () => {},
      fetch: slack,
      polls: [{ ...deps(), everyMs: minute, backfillMs: hour, coolDownMs: minute }],
      retentionDays: 90,
      urls: { langfuse: base, public: 'https://relay.test' },
      onError: (error) => {
        throw error
      },
    })
    await loop.drain(start + 1000)
    await loop.stop()
    expect(sent).toHaveLength(1)
    expect(sent[0]).toContain('Error in checkout-agent: e1 broke')
    expect(sent[0]).toContain(`${base}/project/${mockProject}/traces/trace-of-e1?observation=e1`)
    expect(sent[0]).toContain('https://relay.test/changes/chg_')
  })

  describe('the webhook endpoint', () => {
    const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
    const post = async (body: object): Promise<number> => {
      if (!env) throw new Error('The environment has problems')
      const bytes = Buffer.from(JSON.stringify(body))
      const headers = { 'x-langfuse-signature': sign(bytes, { t: Math.floor(time / 1000) }) }
      const receive = receiver(store.db, {
        settleMs: 2000,
        now,
        bursts: { coolDownMs: 5 * minute, rules: [errors] },
      })
      const request = new Request('http://localhost/', { method: 'POST', headers, body: bytes })
      return (await answerWebhook(request, { env, now, receive, reject: async () => {} })).status
    }
    const body = (id: string, data: object = {}) => ({
      event: 'trace.created',
      timestamp: new Date(time).toISOString(),
      data: { projectId: 'p1', traceId: id, name: 'checkout-agent', level: 'ERROR', ...data },
    })

    it('accepts the same form, each event once, and reports bursts', async () => {
      expect([await post(body('a')), await post(body('a'))]).toEqual([202, 200])
      await settle()
      time += minute
      expect([await post(body('b')), await post(body('c'))]).toEqual([202, 202])
      await settle()
      expect((await changes()).map(({ status }) => status)).toEqual(['settled', 'settling'])
      time += 4 * minute
      await settle()
      expect((await changes()).map(({ title, eventCount }) => [title, eventCount])).toEqual([
        ['Error in checkout-agent', 1],
        ['2 errors in checkout-agent within a minute', 2],
      ])
    })

    it('also stores what no rule matches, and says why no target was notified', async () => {
      expect(await post(body('a', { level: 'DEFAULT' }))).toBe(202)
      await settle()
      expect(await changes()).toMatchObject([{ kind: 'trace', title: 'Trace checkout-agent', danger: false }])
      const [delivery] = await store.db.selectFrom('deliveries').selectAll().execute()
      expect(delivery).toMatchObject({
        status: 'skipped',
        rule: expect.stringContaining('is not error-trace'),
      })
    })

    it('stores every event, however many are in a burst', async () => {
      for (let i = 0; i < 110; i++) expect(await post(body(`t${i}`))).toBe(202)
      await settle()
      expect(await changes()).toMatchObject([{ eventCount: 110, detail: { facts: [{ count: 110 }] } }])
    })
  })

  it('finds changes by trace id', async () => {
    langfuse.observations = [failing('e1', start - minute)]
    await polled()
    await settle()
    const found = await listFiltered(
      store.db,
      { filter: { ...emptyFilter, q: 'trace-of-e1' }, now: time },
      {},
      10,
    )
    expect(found.rows.map(({ change }) => change.subject)).toEqual(['checkout-agent'])
    const byKind = await listFiltered(
      store.db,
      { filter: { ...emptyFilter, kind: ['error-trace'] }, now: time },
      {},
      10,
    )
    expect(byKind.rows).toHaveLength(1)
  })
})
