import { answerProblems, queryProblems } from './langfuse-document.ts'
import { type Answered, type StandIn, startStandIn } from './stand-in.ts'

const paths = new Set([
  '/api/public/projects',
  '/api/public/v2/observations',
  '/api/public/observations',
  '/api/public/v3/scores',
  '/api/public/v2/scores',
])

/** One observation, in the words of v2; what is left out is as Langfuse would have it. */
export interface MockObservation {
  id: string
  /** Epoch milliseconds. */
  start: number
  /** When Langfuse has it; as a rule at once. */
  arrives?: number
  [field: string]: unknown
}

export interface MockScore {
  id: string
  at: number
  arrives?: number
  [field: string]: unknown
}

export interface LangfuseMock {
  observations: MockObservation[]
  scores: MockScore[]
  /** Endpoints that this version does not have. */
  missing: Set<string>
  /** Answers the next requests instead, first in first out; null: the connection breaks. */
  next: (Answered | null)[]
  /** Path and query of each request. */
  asked: string[]
  /** Where a request or an answer does not fit the document. */
  problems: string[]
  /** How far its clock is ahead, milliseconds. */
  ahead: number
  /** Rows on a page, at most. */
  pageSize: number
  answer: (url: URL, authorization: string | null) => Answered | null
}

export const mockKeys = { publicKey: 'pk-lf-mock', secretKey: 'sk-lf-mock' }
export const mockProject = 'p-mock'

const iso = (at: number): string => new Date(at).toISOString()
const timeOf = (params: URLSearchParams, name: string, otherwise: number): number =>
  params.has(name) ? Date.parse(params.get(name) ?? '') : otherwise

const observationOf = ({ id, start, arrives: _, ...given }: MockObservation) => ({
  id,
  traceId: `trace-of-${id}`,
  startTime: iso(start),
  endTime: iso(start + 1000),
  projectId: mockProject,
  parentObservationId: null,
  type: 'SPAN',
  isRootObservation: given.parentObservationId == null,
  name: 'step',
  level: 'DEFAULT',
  environment: 'production',
  updatedAt: iso(start + 1000),
  modelId: null,
  inputPrice: null,
  outputPrice: null,
  totalPrice: null,
  ...given,
})

/** The form of v1 has neither project nor trace name, and calls some things otherwise. */
function oldObservationOf(given: MockObservation): Record<string, unknown> {
  const row: Record<string, unknown> = observationOf(given)
  const { providedModelName = null, totalCost = null, ...rest } = row
  for (const unknown of ['projectId', 'traceName', 'isRootObservation', 'updatedAt']) delete rest[unknown]
  const nothing = {
    input: null,
    output: null,
    metadata: null,
    modelParameters: null,
    completionStartTime: null,
  }
  return {
    ...nothing,
    version: null,
    statusMessage: null,
    promptId: null,
    promptName: null,
    promptVersion: null,
    usage: { unit: 'TOKENS', input: 0, output: 0, total: 0 },
    usageDetails: {},
    costDetails: {},
    latency: 1,
    timeToFirstToken: null,
    calculatedInputCost: null,
    calculatedOutputCost: null,
    ...rest,
    model: providedModelName,
    calculatedTotalCost: totalCost,
    inputPrice: null,
  }
}

const scoreOf = ({ id, at, arrives: _, ...given }: MockScore) => ({
  id,
  projectId: mockProject,
  name: 'helpfulness',
  value: 0.5,
  dataType: 'NUMERIC',
  source: 'EVAL',
  timestamp: iso(at),
  environment: 'production',
  createdAt: iso(at),
  updatedAt: iso(at),
  comment: null,
  configId: null,
  metadata: {},
  subject: { kind: 'trace', id: `trace-of-${id}` },
  ...given,
})

function oldScoreOf(given: MockScore): Record<string, unknown> {
  const { projectId: _, subject, ...row } = scoreOf(given)
  return {
    ...row,
    traceId: (subject as { id: string }).id,
    authorUserId: null,
    queueId: null,
    sessionId: null,
    observationId: null,
  }
}

/** Langfuse's API over rows that a test sets, newest first, as `now` stands. Insists on keys and on the document. */
export function mockLangfuse(now: () => number): LangfuseMock {
  const mock: LangfuseMock = {
    observations: [],
    scores: [],
    missing: new Set(),
    next: [],
    asked: [],
    problems: [],
    ahead: 0,
    pageSize: 1000,
    answer: (url, authorization) => {
      mock.asked.push(`${url.pathname}${url.search}`)
      const headers = { date: new Date(now() + mock.ahead).toUTCString(), 'content-type': 'application/json' }
      const special = mock.next.shift()
      if (special !== undefined) return special && { ...special, headers: { ...headers, ...special.headers } }
      const expected = `Basic ${btoa(`${mockKeys.publicKey}:${mockKeys.secretKey}`)}`
      const refuse = (status: number, message: string) => ({
        status,
        headers,
        body: JSON.stringify({ message }),
      })
      if (authorization !== expected) return refuse(401, 'Invalid credentials')
      const path = url.pathname
      if (!paths.has(path) || mock.missing.has(path)) return refuse(404, 'Not found')
      const json = pageOf(mock, path, url.searchParams, now())
      mock.problems.push(...queryProblems(path, url.searchParams), ...answerProblems(path, json))
      return { status: 200, headers, body: JSON.stringify(json) }
    },
  }
  return mock
}

/** The same as a server on this machine. */
export const startLangfuseStandIn = (mock: LangfuseMock): Promise<StandIn> =>
  startStandIn(({ path, headers }) => {
    const answer = mock.answer(new URL(path, 'http://localhost'), headers.authorization ?? null)
    return answer ?? { status: 503 }
  })

function pageOf(mock: LangfuseMock, path: string, params: URLSearchParams, now: number): object {
  if (path === '/api/public/projects')
    return {
      data: [{ id: mockProject, name: 'Mock', organization: { id: 'o', name: 'Org' }, metadata: {} }],
    }
  const isScore = path.endsWith('scores')
  const [from, to] = isScore ? ['fromTimestamp', 'toTimestamp'] : ['fromStartTime', 'toStartTime']
  const [first, last] = [timeOf(params, from, 0), timeOf(params, to, Number.POSITIVE_INFINITY)]
  const isThere = (at: number, arrives = at): boolean =>
    at >= first && at < last && arrives <= now + mock.ahead
  const isOld = path === '/api/public/observations' || path === '/api/public/v2/scores'
  const rows = isScore
    ? mock.scores
        .filter(({ at, arrives }) => isThere(at, arrives))
        .toSorted((a, b) => b.at - a.at)
        .map(isOld ? oldScoreOf : scoreOf)
    : mock.observations
        .filter(({ start, arrives }) => isThere(start, arrives))
        .filter((row) => !params.has('traceId') || observationOf(row).traceId === params.get('traceId'))
        .toSorted((a, b) => b.start - a.start)
        .map(isOld ? oldObservationOf : observationOf)
  const limit = Math.min(mock.pageSize, Number(params.get('limit') ?? 50))
  if (!isOld) {
    // Where the row with this id stands by now: a cursor means a row, not a number of rows.
    const after = params.get('cursor')
    const begin = after === null ? 0 : rows.findIndex(({ id }) => id === atob(after)) + 1
    const data = rows.slice(begin, begin + limit)
    const isMore = begin + limit < rows.length
    const cursor = isMore ? { cursor: btoa(String(data.at(-1)?.id)) } : {}
    return { data, meta: { ...(isScore ? { limit } : {}), ...cursor } }
  }
  const page = Number(params.get('page') ?? 1)
  const data = rows.slice((page - 1) * limit, page * limit)
  const meta = { page, limit, totalItems: rows.length, totalPages: Math.ceil(rows.length / limit) }
  return { data, meta }
}
