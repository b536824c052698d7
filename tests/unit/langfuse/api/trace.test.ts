import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CallbackIds } from '#lib/core/change/describe-callback.ts'
import { readTrace } from '#lib/langfuse/api/trace.ts'
import { answerProblems, queryProblems } from '../../../mocks/langfuse-document.ts'

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }))
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

/** An answer as Langfuse's own document has it. */
function answer(path: string, body: object): Response {
  expect(answerProblems(path, body)).toEqual([])
  return HttpResponse.json(body)
}

const base = 'https://langfuse.example/base'
const at = (seconds: number): string => new Date(1_787_000_000_000 + seconds * 1000).toISOString()
const ids: CallbackIds = { projectId: 'p1', traceId: 't/1', observationId: null, sessionId: null }

const row = (over: object = {}) => ({
  id: 'root',
  traceId: 't/1',
  startTime: at(0),
  endTime: at(2.5),
  projectId: 'p1',
  parentObservationId: null,
  type: 'AGENT',
  isRootObservation: true,
  name: 'run',
  traceName: 'checkout-agent',
  level: 'DEFAULT',
  environment: 'production',
  userId: 'u-7',
  sessionId: 's-1',
  totalCost: 0,
  modelId: null,
  inputPrice: null,
  outputPrice: null,
  totalPrice: null,
  ...over,
})
const child = (id: string, over: object = {}) =>
  row({ id, parentObservationId: 'root', isRootObservation: false, name: 'step', ...over })

const requested: URL[] = []
afterEach(() => {
  requested.length = 0
})

/** Each path as it is answered; what is not named is not there. */
const answering = (of: Record<string, (url: URL) => Response>) =>
  server.use(
    http.get(`${base}/*`, ({ request }) => {
      const url = new URL(request.url)
      requested.push(url)
      const answer = of[url.pathname.slice('/base/api/public'.length)]
      return answer?.(url) ?? HttpResponse.json({ message: 'Not found' }, { status: 404 })
    }),
  )
const observations = (rows: object[], cursor?: string) => (url: URL) => {
  expect(queryProblems('/api/public/v2/observations', url.searchParams)).toEqual([])
  const body = { data: rows, meta: cursor === undefined ? {} : { cursor } }
  return answer('/api/public/v2/observations', body)
}
const read = (over: Partial<CallbackIds> = {}) =>
  readTrace({ baseUrl: base, publicKey: 'pk', secretKey: 'sk', fetch: globalThis.fetch }, { ...ids, ...over })

describe('a trace in Langfuse', () => {
  it('is summed up from its observations', async () => {
    const rows = [
      child('late', { startTime: at(2), endTime: at(4), level: 'ERROR', totalCost: 0.01 }),
      child('early', { startTime: at(1), endTime: null, level: 'WARNING', totalCost: 0.002 }),
      row(),
    ]
    answering({ '/v2/observations': observations(rows) })
    expect(await read()).toEqual({
      state: 'found',
      ids: { ...ids, sessionId: 's-1' },
      trace: {
        name: 'checkout-agent',
        user: 'u-7',
        environment: 'production',
        level: 'ERROR',
        latencyMs: 4000,
        cost: expect.closeTo(0.012),
        observations: 3,
        startedAt: Date.parse(at(0)),
      },
    })
    expect(requested.map(({ searchParams }) => searchParams.get('traceId'))).toEqual(['t/1'])
  })

  it('has neither cost nor latency if only a part was read', async () => {
    answering({ '/v2/observations': observations([child('one'), child('two')], 'next') })
    expect(await read()).toMatchObject({
      trace: { name: 'checkout-agent', latencyMs: null, cost: null, observations: 2, isLeast: true },
    })
  })

  it.each([
    ['believed where the trace has it', 'late', 'late'],
    ['left out where it has not', 'made-up', null],
  ])('an observation is %s', async (_, observationId, believed) => {
    answering({ '/v2/observations': observations([row(), child('late')]) })
    expect(await read({ observationId })).toMatchObject({ ids: { observationId: believed } })
  })

  it.each([
    ['left out where a stranger named it', { isAnonymous: true } as const, null],
    ['believed where it came with the token', {}, 'made-up'],
  ])('an observation of a trace that was not read to its end is %s', async (_, over, believed) => {
    answering({ '/v2/observations': observations([row()], 'next') })
    expect(await read({ observationId: 'made-up', ...over })).toMatchObject({
      ids: { observationId: believed },
    })
  })

  it('is not found by an id that Langfuse refuses, which does not count as a failure of Langfuse', async () => {
    const refuse = () => HttpResponse.json({ message: 'Bad id' }, { status: 400 })
    answering({ '/v2/observations': refuse })
    expect(await read()).toEqual({ state: 'not-found' })
  })

  it('is requested by no other path than its own', async () => {
    answering({ '/v2/observations': observations([]) })
    for (const id of ['.', '..']) {
      expect(await read({ traceId: id })).toEqual({ state: 'not-found' })
      expect(await read({ traceId: null, sessionId: id })).toEqual({ state: 'not-found' })
    }
    expect(requested.map(({ pathname }) => pathname)).toEqual(
      Array(4).fill('/base/api/public/v2/observations'),
    )
  })

  it('is found by a session, or by an observation only', async () => {
    answering({ '/v2/observations': observations([row()]) })
    expect(await read({ traceId: null, sessionId: 's-1' })).toMatchObject({
      ids: { traceId: null, sessionId: 's-1' },
    })
    expect(await read({ traceId: null, observationId: 'root' })).toMatchObject({
      ids: { traceId: 't/1', observationId: 'root' },
    })
    expect(requested[0]?.searchParams.get('sessionId')).toBe('s-1')
    expect(JSON.parse(requested[1]?.searchParams.get('filter') ?? '')).toEqual([
      { type: 'string', column: 'id', operator: '=', value: 'root' },
    ])
  })

  const old = {
    id: 't/1',
    projectId: 'p1',
    name: 'old',
    timestamp: at(0),
    environment: 'production',
    sessionId: null,
    userId: null,
    release: null,
    version: null,
    tags: [],
    public: false,
    latency: 1.5,
    totalCost: 0.5,
    htmlPath: '/project/p1/traces/t%2F1',
    scores: [],
  }
  const oldObservation = {
    id: 'a',
    traceId: 't/1',
    type: 'SPAN',
    name: 'step',
    startTime: at(0),
    endTime: at(1),
    level: 'ERROR',
    statusMessage: null,
    input: null,
    output: null,
    metadata: {},
    parentObservationId: null,
    environment: 'production',
    completionStartTime: null,
    model: null,
    modelParameters: null,
    version: null,
    promptId: null,
    promptName: null,
    promptVersion: null,
    modelId: null,
    inputPrice: null,
    outputPrice: null,
    totalPrice: null,
    calculatedInputCost: null,
    calculatedOutputCost: null,
    calculatedTotalCost: null,
    latency: 1,
    timeToFirstToken: null,
    usage: { input: 0, output: 0, total: 0, unit: null, inputCost: null, outputCost: null, totalCost: null },
    usageDetails: {},
    costDetails: {},
  }
  it.each([
    ['without the newer endpoint', {}],
    ['that holds nothing of it', { '/v2/observations': () => HttpResponse.json({ data: [], meta: {} }) }],
  ])('is read from the older endpoint of a Langfuse %s', async (_, more) => {
    const whole = { ...old, observations: [oldObservation] }
    answering({ ...more, '/traces/t%2F1': () => answer('/api/public/traces/{traceId}', whole) })
    expect(await read({ observationId: 'a' })).toMatchObject({
      state: 'found',
      ids: { observationId: 'a' },
      trace: { name: 'old', latencyMs: 1500, cost: 0.5, level: 'ERROR', observations: 1 },
    })
  })

  it('may be a session in an older Langfuse', async () => {
    const session = { id: 's 1', projectId: 'p1', environment: 'staging', createdAt: at(0), traces: [] }
    answering({ '/sessions/s%201': () => answer('/api/public/sessions/{sessionId}', session) })
    expect(await read({ traceId: null, sessionId: 's 1' })).toMatchObject({
      state: 'found',
      trace: { environment: 'staging', name: null },
    })
  })
})

describe('a trace is not found', () => {
  it.each([
    ['where neither endpoint has it', {}],
    ['in another project', { '/v2/observations': observations([row({ projectId: 'p2' })]) }],
    [
      'where the older endpoint gives another project',
      { '/traces/t%2F1': () => HttpResponse.json({ id: 't/1', projectId: 'p2' }) },
    ],
    [
      'where another one is given',
      { '/traces/t%2F1': () => HttpResponse.json({ id: 't/2', projectId: 'p1' }) },
    ],
  ])('%s', async (_, of) => {
    answering(of)
    expect(await read()).toEqual({ state: 'not-found' })
  })
})

describe('there is no answer, so the request is repeated,', () => {
  it.each<[string, () => Response]>([
    ['where Langfuse fails', () => new HttpResponse(null, { status: 500 })],
    ['where the keys are wrong', () => new HttpResponse(null, { status: 401 })],
    ['where the connection breaks', () => HttpResponse.error()],
    ['where it answers something else', () => HttpResponse.json({ rows: [] })],
    ['where it answers no JSON', () => new HttpResponse('<html>')],
  ])('%s', async (_, answer) => {
    answering({ '/v2/observations': answer })
    expect(await read()).toMatchObject({ state: 'no-answer' })
    expect(requested).toHaveLength(1)
  })

  it('after as long as Langfuse says', async () => {
    answering({
      '/v2/observations': () => new HttpResponse(null, { status: 429, headers: { 'retry-after': '17' } }),
    })
    expect(await read()).toMatchObject({ state: 'no-answer', retryAfterMs: 17_000 })
  })

  it('if the older endpoint fails', async () => {
    answering({ '/traces/t%2F1': () => new HttpResponse(null, { status: 503 }) })
    expect(await read()).toMatchObject({ state: 'no-answer' })
  })
})
